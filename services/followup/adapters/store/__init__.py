"""What writes the projection: the live tables, those of a rebuild, and the requests of operators."""
