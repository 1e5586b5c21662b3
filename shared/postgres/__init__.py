"""PostgreSQL as the event store: its migrations, the group commit, the log, the outbox, its identity, leases."""
