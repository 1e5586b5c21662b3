"""A real RabbitMQ."""

from tests.support.rabbit import amqp_url, rabbit_server

__all__ = ["amqp_url", "rabbit_server"]
