"""A whole pair on a developer's machine: its PostgreSQL, its RabbitMQ, the packages of Debian that they need."""
