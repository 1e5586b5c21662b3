"""What a subscription asks for, and when a delivery is tried again."""
