"""What is done to a conference, from its proposal to its conclusions: one file a group of acts."""
