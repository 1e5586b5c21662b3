"""A petition that is pushed again: what is new in it, what of that is recorded, what is a conflict."""
