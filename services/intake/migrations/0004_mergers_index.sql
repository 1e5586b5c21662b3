-- migrate: concurrently
-- One pass over the events, of which only the mergers are kept; appends go on meanwhile.
-- A build that was interrupted leaves an index behind that is not valid.
DROP INDEX CONCURRENTLY IF EXISTS stored_events_survivor;
CREATE INDEX CONCURRENTLY stored_events_survivor ON stored_events (intake_survivor_of(state)) WHERE topic = 'PetitionMerged';
