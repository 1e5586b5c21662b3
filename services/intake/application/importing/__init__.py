"""Bringing in an office's registers and running cases. Start at `importer`; `register` and `case_events` read a row."""
