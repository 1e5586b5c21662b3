-- Each source has tables of its own, in the schema `followed`: ids that two sources share are two things. What release 0.4.0 has
-- in the schema `projection` stays there, and that release goes on with it until followup has folded a source's facts into its
-- new tables; the next release drops it.
\ir ../projection.sql

-- The cursor of release 0.4.0, which moves no more once the source stands in the new tables: two would raise the same events.
CREATE OR REPLACE FUNCTION advance_cursor(
    p_source      text,
    p_before      bigint,
    p_epoch       text,
    p_position    bigint,
    p_event_id    uuid,
    p_instant     timestamptz,
    p_horizon     timestamptz,
    p_head        bigint,
    p_revision    bigint,
    p_complete_to timestamptz
) RETURNS boolean LANGUAGE plpgsql
SET enable_seqscan = off
AS $advance$
BEGIN
    UPDATE sources SET epoch = p_epoch, position = p_position, event_id = p_event_id, instant = p_instant,
        horizon = p_horizon, head = p_head, revision = p_revision,
        complete_read_at =
            CASE WHEN complete_to IS DISTINCT FROM p_complete_to THEN clock_timestamp() ELSE complete_read_at END,
        ticked_at = CASE WHEN complete_to IS DISTINCT FROM p_complete_to THEN clock_timestamp() ELSE ticked_at END,
        complete_to = p_complete_to, state = 'following', reason = ''
    WHERE source = p_source AND revision = p_before
        AND NOT EXISTS (SELECT 1 FROM followed.sources f WHERE f.source = p_source);
    RETURN FOUND;
END $advance$;

-- That of release 0.2.0, which runs beside no release that knows this table.
DROP FUNCTION move_cursor;

-- The role of followup owns the tables of every source, and makes those of a new one.
CREATE FUNCTION grant_following(p_role text) RETURNS void LANGUAGE plpgsql AS $grant$
DECLARE
    v_table  name;
    v_schema name;
BEGIN
    PERFORM grant_followup(p_role);
    FOR v_schema IN
        SELECT nspname FROM pg_namespace
        WHERE nspname IN ('followed', 'rebuilt', 'replaced') OR nspname LIKE 'followed:%'
    LOOP
        IF (SELECT r.rolname <> p_role FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner
            WHERE n.nspname = v_schema) THEN
            EXECUTE format('ALTER SCHEMA %I OWNER TO %I', v_schema, p_role);
        END IF;
        FOR v_table IN
            SELECT tablename FROM pg_tables WHERE schemaname = v_schema AND tableowner <> p_role
        LOOP
            EXECUTE format('ALTER TABLE %I.%I OWNER TO %I', v_schema, v_table, p_role);
        END LOOP;
    END LOOP;
END $grant$;

-- Last, since names without a schema resolve to the new one until the end of the transaction.
SELECT create_followed('followed');
