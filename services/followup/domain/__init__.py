"""What the facts of a case come to: its deadlines, their outcomes, and why; pure."""
