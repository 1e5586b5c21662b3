"""What is done to a petition, from its receipt to its end: one file a group of acts."""
