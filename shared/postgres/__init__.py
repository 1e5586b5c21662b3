"""PostgreSQL as the event store: migrations, the group commit, the feed, identity, leases."""
