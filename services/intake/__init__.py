"""The system of record: takes commands, decides, appends events, publishes them."""
