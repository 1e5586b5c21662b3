-- migrate: concurrently
-- Of the live tables. A first try that broke off leaves an index that is of no use.
DROP INDEX CONCURRENTLY IF EXISTS projection.facts_asked;
CREATE INDEX CONCURRENTLY facts_asked ON projection.facts (followup_asked(state), originator_id) WHERE topic = 'PetitionForwarded';
DROP INDEX CONCURRENTLY IF EXISTS projection.deadlines_beside;
CREATE INDEX CONCURRENTLY deadlines_beside ON projection.deadlines (debtor, subject_id)
    WHERE duty NOT IN ('reply', 'reply_report', 'result_report');
