"""RabbitMQ: the topology, the relay that publishes, the subscriber that reads in order."""
