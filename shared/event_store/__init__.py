"""What an append is and how it fails, without a database: use cases know this room, not PostgreSQL."""
