-- migrate: concurrently
-- The cases of the live tables, some at a time, so that the projector waits for a few at most. What breaks off goes on where it
-- was. (Statements end where a line ends with a semicolon, so none of the block's lines does.)
DO $fill$
DECLARE v_ids uuid[]
; BEGIN
    LOOP
        v_ids := ARRAY(SELECT subject_id FROM projection.cases WHERE searched = '[]' LIMIT 1000)
        ; EXIT WHEN v_ids = '{}'
        ; UPDATE projection.cases c SET searched = s.searched, found = followup_found(s.searched),
            title_order = followup_order(s.searched ->> 0)
        FROM (
            SELECT subject_id, followup_searched(followup_row(row)) AS searched FROM projection.cases
            WHERE subject_id = ANY(v_ids) OFFSET 0
        ) AS s WHERE c.subject_id = s.subject_id AND c.searched = '[]'
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
