"""Bringing in an office's registers and running cases. Start at `importer`; a row's meaning: `register`, `events`."""
