"""The tools of those who write the rules down: policies and calendars, as files and in intake.

`policies` and `calendars` are the commands; `files` reads what they are given, `remote` speaks to intake.
"""
