"""What writes the projection: its live tables, those of a rebuild, and the requests of operators."""
