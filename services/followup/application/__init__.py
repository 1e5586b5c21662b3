"""Use cases of followup: their input and output are passed in."""
