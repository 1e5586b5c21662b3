"""The figures of a month, a quarter or a year, and what each column means."""
