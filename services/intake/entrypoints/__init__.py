"""The doors: HTTP, the command queue, metrics."""
