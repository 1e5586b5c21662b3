"""Acts of several commands that are one: decided part after part, recorded in one append."""
