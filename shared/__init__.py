"""What both services mean by an event, a working day, a policy; and the I/O that both need."""
