"""What both services say over HTTP in the same way: problems, callers, the feed, health, logs, the server."""
