"""The world outside: the store, the sealed box, proposed calendars, the broker."""
