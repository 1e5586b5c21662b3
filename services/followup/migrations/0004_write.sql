-- What the writer writes, as one statement. Tables are named without a schema: a rebuild writes the same rows beside.

-- Rows come as arrays: `f_` facts, `l_` links, `c_` cases, `d_` deadlines, `e_` the deadline events, whose append takes
-- the ordering lock and so comes last. Within a kind the rows come in key order. Gives when the next timer falls.
CREATE FUNCTION write_rows(
    p_source       text,
    f_position     bigint[],
    f_event_id     uuid[],
    f_originator   uuid[],
    f_version      bigint[],
    f_topic        text[],
    f_is_petition  boolean[],
    f_recorded_at  timestamptz[],
    f_state        bytea[],
    l_other        uuid[],
    l_petition     uuid[],
    l_merged       boolean[],
    c_subject_id   uuid[],
    c_subject      text[],
    c_jurisdiction text[],
    c_agency       text[],
    c_state        text[],
    c_unresolved   boolean[],
    c_overdue      boolean[],
    c_due_on       date[],
    c_received_on  date[],
    c_row          bytea[],
    p_overdue      uuid[],
    d_deadline_id  uuid[],
    d_subject      text[],
    d_subject_id   uuid[],
    d_duty         text[],
    d_debtor       text[],
    d_jurisdiction text[],
    d_due_on       date[],
    d_due_soon_on  date[],
    d_breached     boolean[],
    d_outcome      text[],
    d_next_fire_at timestamptz[],
    d_raised       bytea[],
    e_originator   uuid[],
    e_version      bigint[],
    e_topic        text[],
    e_state        bytea[],
    e_event_id     uuid[]
) RETURNS timestamptz LANGUAGE plpgsql
-- A plan made while the tables are small would read them whole, and a connection keeps it while they grow.
SET enable_seqscan = off
AS $write$
DECLARE
    v_rejected jsonb;
BEGIN
    IF f_position <> '{}' THEN
        INSERT INTO facts (source, position, event_id, originator_id, version, topic, is_petition, recorded_at, state)
        SELECT p_source, * FROM unnest(f_position, f_event_id, f_originator, f_version, f_topic, f_is_petition,
            f_recorded_at, f_state);
    END IF;
    IF l_other <> '{}' THEN
        INSERT INTO links (other_id, petition_id, merged) SELECT * FROM unnest(l_other, l_petition, l_merged)
        ON CONFLICT DO NOTHING;
    END IF;
    IF c_subject_id <> '{}' THEN
        INSERT INTO cases (source, subject_id, subject, jurisdiction, agency, state, unresolved, overdue, due_on,
            received_on, row)
        SELECT p_source, * FROM unnest(c_subject_id, c_subject, c_jurisdiction, c_agency, c_state, c_unresolved,
            c_overdue, c_due_on, c_received_on, c_row)
        ON CONFLICT (subject_id) DO UPDATE SET jurisdiction = excluded.jurisdiction, agency = excluded.agency,
            state = excluded.state, unresolved = excluded.unresolved, overdue = excluded.overdue,
            due_on = excluded.due_on, received_on = excluded.received_on, row = excluded.row;
    END IF;
    IF p_overdue <> '{}' THEN
        UPDATE cases SET overdue = true WHERE subject_id = ANY(p_overdue) AND NOT overdue;
    END IF;
    IF d_deadline_id <> '{}' THEN
        INSERT INTO deadlines (source, deadline_id, subject, subject_id, duty, debtor, jurisdiction, due_on,
            due_soon_on, breached, outcome, next_fire_at, raised)
        SELECT p_source, * FROM unnest(d_deadline_id, d_subject, d_subject_id, d_duty, d_debtor, d_jurisdiction,
            d_due_on, d_due_soon_on, d_breached, d_outcome, d_next_fire_at, d_raised)
        ON CONFLICT (deadline_id) DO UPDATE SET debtor = excluded.debtor, jurisdiction = excluded.jurisdiction,
            due_on = excluded.due_on, due_soon_on = excluded.due_soon_on, breached = excluded.breached,
            outcome = excluded.outcome, next_fire_at = excluded.next_fire_at, raised = excluded.raised;
    END IF;
    IF e_originator <> '{}' THEN
        SELECT a.rejected INTO v_rejected FROM public.append_events(
            '{}', array_fill(1, ARRAY[cardinality(e_originator)]), e_originator, e_version, e_topic, e_state,
            e_event_id, array_fill(NULL::bytea, ARRAY[cardinality(e_originator)]),
            array_fill(NULL::date, ARRAY[cardinality(e_originator)]), '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}',
            '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '[]'
        ) AS a;
        IF v_rejected <> '{}' THEN
            RAISE EXCEPTION 'the deadline events were rejected: %', v_rejected;
        END IF;
    END IF;
    RETURN (
        SELECT next_fire_at FROM deadlines WHERE source = p_source AND next_fire_at IS NOT NULL
        ORDER BY next_fire_at LIMIT 1
    );
END $write$;

-- Move the cursor by compare and set; false where another has moved it.
CREATE FUNCTION move_cursor(
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
AS $move$
BEGIN
    UPDATE sources SET epoch = p_epoch, position = p_position, event_id = p_event_id, instant = p_instant,
        horizon = p_horizon, head = p_head, revision = p_revision,
        complete_read_at =
            CASE WHEN complete_to IS DISTINCT FROM p_complete_to THEN clock_timestamp() ELSE complete_read_at END,
        ticked_at = CASE WHEN complete_to IS DISTINCT FROM p_complete_to THEN clock_timestamp() ELSE ticked_at END,
        complete_to = p_complete_to, state = 'following', reason = ''
    WHERE source = p_source AND revision = p_before;
    RETURN FOUND;
END $move$;
