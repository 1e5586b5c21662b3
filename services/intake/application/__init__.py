"""Use cases: a command is decided, sealed and appended; input and output are passed in."""
