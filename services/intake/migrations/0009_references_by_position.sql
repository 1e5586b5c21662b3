-- migrate: concurrently
-- What a source pushed on a day: instants rise with positions, so a day is a stretch of them.
-- A build that was interrupted leaves an index behind that is not valid.
DROP INDEX CONCURRENTLY IF EXISTS external_references_position;
CREATE INDEX CONCURRENTLY external_references_position ON external_references (source, notification_id);
