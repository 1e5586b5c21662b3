"""Subscriptions in the store, and the way of an event to a sink."""
