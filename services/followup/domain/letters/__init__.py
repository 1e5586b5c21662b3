"""Letters that urge a debtor, digests by mail, and when it is time for either."""
