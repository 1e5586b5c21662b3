"""What is said of a deadline and of a count, in Vietnamese and in English."""
