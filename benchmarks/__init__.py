"""Speed, measured against the other side of the same run."""
