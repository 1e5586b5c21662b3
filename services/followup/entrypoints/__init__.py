"""The doors of followup for programs: JSON over HTTP, metrics, the consumer of its own deadline events."""
