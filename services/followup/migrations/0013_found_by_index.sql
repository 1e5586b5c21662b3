-- migrate: concurrently
-- The receipts of the live tables, and the breaches that were retracted. A first try that broke off leaves an index that
-- is of no use.
DROP INDEX CONCURRENTLY IF EXISTS projection.facts_receipt;
CREATE INDEX CONCURRENTLY facts_receipt ON projection.facts (followup_receipt_of(state)) WHERE topic = 'PetitionReceived';
DROP INDEX CONCURRENTLY IF EXISTS stored_events_retracted;
CREATE INDEX CONCURRENTLY stored_events_retracted ON stored_events (originator_id) WHERE topic = 'DeadlineBreachRetracted';
