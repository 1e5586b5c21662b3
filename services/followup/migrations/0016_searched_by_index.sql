-- migrate: concurrently
-- The cases of the live tables, some at a time in the order of their key, so that the projector waits for a few at most and none
-- is looked at twice. What breaks off passes over what is done. (Statements end where a line ends with a semicolon, so none of
-- the block's lines does.)
DO $fill$
DECLARE v_ids uuid[]
; v_after uuid := '00000000-0000-0000-0000-000000000000'
; BEGIN
    LOOP
        v_ids := ARRAY(
            SELECT subject_id FROM projection.cases WHERE subject_id > v_after ORDER BY subject_id LIMIT 1000
        )
        ; EXIT WHEN v_ids = '{}'
        ; UPDATE projection.cases c SET searched = s.searched, found = followup_found(s.searched),
            title_order = followup_order(s.searched ->> 0)
        FROM (
            SELECT subject_id, followup_searched(followup_row(row)) AS searched FROM projection.cases
            WHERE subject_id = ANY(v_ids) AND searched = '[]' OFFSET 0
        ) AS s WHERE c.subject_id = s.subject_id AND c.searched = '[]'
        ; v_after := v_ids[cardinality(v_ids)]
        ; COMMIT
    ; END LOOP
; END $fill$;
DROP INDEX CONCURRENTLY IF EXISTS projection.cases_received;
CREATE INDEX CONCURRENTLY cases_received ON projection.cases (subject, state, (coalesce(received_on, 'infinity')), subject_id);
DROP INDEX CONCURRENTLY IF EXISTS projection.cases_title;
CREATE INDEX CONCURRENTLY cases_title ON projection.cases (subject, state, title_order, subject_id);
DROP INDEX CONCURRENTLY IF EXISTS projection.cases_found;
CREATE INDEX CONCURRENTLY cases_found ON projection.cases USING gin (found);
DROP INDEX CONCURRENTLY IF EXISTS projection.agencies_name;
CREATE INDEX CONCURRENTLY agencies_name ON projection.agencies USING gin (followup_name(name));
DROP INDEX CONCURRENTLY IF EXISTS projection.cases_field;
CREATE INDEX CONCURRENTLY cases_field ON projection.cases (jurisdiction, (coalesce(searched ->> 1, '') COLLATE "C"))
    WHERE subject = 'petition';
DROP INDEX CONCURRENTLY IF EXISTS projection.facts_topic;
CREATE INDEX CONCURRENTLY facts_topic ON projection.facts (topic, source, position) WHERE NOT is_petition;
DROP INDEX CONCURRENTLY IF EXISTS projection.facts_asked;
CREATE INDEX CONCURRENTLY facts_asked ON projection.facts (followup_asked(state), originator_id) WHERE topic = 'PetitionForwarded';
DROP INDEX CONCURRENTLY IF EXISTS projection.deadlines_beside;
CREATE INDEX CONCURRENTLY deadlines_beside ON projection.deadlines (debtor, subject_id)
    WHERE duty NOT IN ('reply', 'reply_report', 'result_report');
