"""Letters that urge a debtor, digests by mail, and when each is sent."""
