"""The deadline engine: what is expected is held against what was raised, and the difference is emitted as events."""
