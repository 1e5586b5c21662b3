"""Speed, measured against the other side of the same run: `make bench` (docs/performance.md tells what was found)."""
