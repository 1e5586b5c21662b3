"""RabbitMQ: the topology, the relay out, the ordered reader in, and a private broker for development."""
