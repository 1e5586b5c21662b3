"""The doors of followup: HTTP, the page, metrics, the consumer of its own deadline events."""
