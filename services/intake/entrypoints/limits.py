"""How large a command may be, whatever door it comes through."""

MAX_BODY = 1024 * 1024  # bytes
MAX_KEY = 200  # characters of an idempotency key
