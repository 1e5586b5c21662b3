"""The read side of the store: queries for the API, the pages and the metrics. Nothing here writes."""
