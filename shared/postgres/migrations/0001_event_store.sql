-- The event store: one table of events, one function as the only way in.

CREATE TABLE stored_events (
    originator_id      uuid        NOT NULL,
    originator_version bigint      NOT NULL CHECK (originator_version > 0),
    topic              text        NOT NULL,
    state              bytea       NOT NULL,
    notification_id    bigint      NOT NULL,
    event_id           uuid        NOT NULL,
    recorded_at        timestamptz NOT NULL,
    sealed             bytea,
    PRIMARY KEY (originator_id, originator_version)
);
-- Positions are gapless and have no default: an append outside the function collides here instead of skipping.
CREATE UNIQUE INDEX stored_events_position ON stored_events (notification_id);
CREATE UNIQUE INDEX stored_events_event_id ON stored_events (event_id);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are never changed or deleted (% on %)', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER stored_events_append_only BEFORE UPDATE OR DELETE ON stored_events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER stored_events_never_truncated BEFORE TRUNCATE ON stored_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Who this store is. `clock_offset` moves the clock of a development store; null means the real clock.
CREATE TABLE store_state (
    singleton    boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    source       text NOT NULL DEFAULT 'local',
    epoch        text NOT NULL DEFAULT gen_random_uuid()::text,
    fingerprint  text NOT NULL DEFAULT '',
    complete_to  timestamptz,
    clock_offset interval
);
INSERT INTO store_state DEFAULT VALUES;

CREATE TABLE idempotency_keys (
    caller             text   NOT NULL,
    key                text   NOT NULL,
    fingerprint        bytea  NOT NULL,
    originator_id      uuid   NOT NULL,
    originator_version bigint NOT NULL,
    notification_id    bigint NOT NULL,
    PRIMARY KEY (caller, key)
);

CREATE TABLE external_references (
    source             text   NOT NULL,
    external_id        text   NOT NULL,
    originator_id      uuid   NOT NULL,
    originator_version bigint NOT NULL,
    notification_id    bigint NOT NULL,
    PRIMARY KEY (source, external_id)
);

-- Data keys, wrapped. Deleting the rows of an owner erases what was sealed under them.
CREATE TABLE sealing_keys (
    key_id        uuid PRIMARY KEY,
    owner_id      text        NOT NULL,
    originator_id uuid        NOT NULL,
    wrapped       bytea       NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX sealing_keys_owner ON sealing_keys (owner_id);
CREATE INDEX sealing_keys_originator ON sealing_keys (originator_id);

CREATE TABLE leases (
    name       text PRIMARY KEY,
    holder     text        NOT NULL,
    fence      bigint      NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE TABLE relay_position (
    name     text PRIMARY KEY,
    position bigint NOT NULL,
    fence    bigint NOT NULL
);

-- The ordering lock: whoever assigns positions or states completeness holds it to the end of the transaction.
CREATE FUNCTION ordering_lock() RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(7034, 1)
$$;

CREATE FUNCTION store_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
    SELECT clock_timestamp() + coalesce((SELECT clock_offset FROM public.store_state), interval '0')
$$;

-- The only way in. Each kind of row comes as arrays: `c_` commands, `e_` events, `x_` versions that the decisions had
-- read, `i_` idempotency keys, `r_` external references, `k_` new data keys, `u_` data keys used again; erasures as JSON.
-- `..._command` and `..._event` say to which command or event a row belongs, counted from 1.
-- A command that may not be recorded is rejected whole and alone: `rejected` maps its number to the reason. The others
-- have the positions after `head`, in the order of their events.
CREATE FUNCTION append_events(
    c_today        date[],
    e_command      integer[],
    e_originator   uuid[],
    e_version      bigint[],
    e_topic        text[],
    e_state        bytea[],
    e_event_id     uuid[],
    e_sealed       bytea[],
    e_effective_on date[],
    x_command      integer[],
    x_originator   uuid[],
    x_version      bigint[],
    i_event        integer[],
    i_caller       text[],
    i_key          text[],
    i_fingerprint  bytea[],
    r_event        integer[],
    r_source       text[],
    r_external_id  text[],
    k_event        integer[],
    k_key_id       uuid[],
    k_owner        text[],
    k_originator   uuid[],
    k_wrapped      bytea[],
    u_command      integer[],
    u_key_id       uuid[],
    p_erasures     jsonb
) RETURNS TABLE (head bigint, stamped timestamptz, rejected jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
-- A plan made while the tables are small would read them whole, and a connection keeps it while they grow.
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    v_state    store_state%ROWTYPE;
    v_head     bigint;
    v_last     timestamptz;
    v_stamp    timestamptz;
    v_today    date;
    v_rejected jsonb := '{}';
    v_row      record;
    v_taken    bigint;
    v_place    bigint[];
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'append_events runs in READ COMMITTED only';
    END IF;
    PERFORM ordering_lock();
    -- A statement after the lock: its snapshot sees all that was committed under the lock.
    SELECT * INTO v_state FROM store_state;
    SELECT s.notification_id, s.recorded_at INTO v_head, v_last
        FROM stored_events s ORDER BY s.notification_id DESC LIMIT 1;
    v_head := coalesce(v_head, 0);
    v_stamp := greatest(
        v_last,
        v_state.complete_to + interval '1 microsecond',
        clock_timestamp() + coalesce(v_state.clock_offset, interval '0')
    );
    v_today := (v_stamp AT TIME ZONE 'Asia/Ho_Chi_Minh')::date;

    -- Of several reasons the first in this order is told. Each question is asked once for all commands.
    IF i_event <> '{}' THEN
        FOR v_row IN
            SELECT e_command[i.event] AS command, k.fingerprint, k.originator_id, k.originator_version, k.notification_id, s.recorded_at
            FROM unnest(i_event, i_caller, i_key) AS i (event, caller, key)
            JOIN idempotency_keys k ON k.caller = i.caller AND k.key = i.key
            JOIN stored_events s ON s.notification_id = k.notification_id
        LOOP
            v_rejected := jsonb_build_object(v_row.command, jsonb_build_object('outcome', 'replay',
                'fingerprint', encode(v_row.fingerprint, 'hex'), 'originator_id', v_row.originator_id,
                'version', v_row.originator_version, 'position', v_row.notification_id,
                'recorded_at', v_row.recorded_at)) || v_rejected;
        END LOOP;
    END IF;
    IF r_event <> '{}' THEN
        FOR v_row IN
            SELECT e_command[g.event] AS command, r.originator_id, r.originator_version, r.notification_id
            FROM unnest(r_event, r_source, r_external_id) AS g (event, source, external_id)
            JOIN external_references r ON r.source = g.source AND r.external_id = g.external_id
        LOOP
            v_rejected := jsonb_build_object(v_row.command, jsonb_build_object('outcome', 'reference',
                'originator_id', v_row.originator_id, 'version', v_row.originator_version,
                'position', v_row.notification_id)) || v_rejected;
        END LOOP;
    END IF;
    FOR v_row IN SELECT c.command FROM unnest(c_today) WITH ORDINALITY AS c (today, command) WHERE c.today <> v_today LOOP
        v_rejected := jsonb_build_object(v_row.command,
            jsonb_build_object('outcome', 'day_changed', 'today', v_today)) || v_rejected;
    END LOOP;
    FOR v_row IN
        SELECT x.command, x.originator_id, x.version, coalesce(s.originator_version, 0) AS found
        FROM unnest(x_command, x_originator, x_version) AS x (command, originator_id, version)
        LEFT JOIN LATERAL (
            SELECT e.originator_version FROM stored_events e
            WHERE e.originator_id = x.originator_id ORDER BY e.originator_version DESC LIMIT 1
        ) AS s ON true
        WHERE coalesce(s.originator_version, 0) <> x.version
    LOOP
        v_rejected := jsonb_build_object(v_row.command, jsonb_build_object('outcome', 'conflict',
            'originator_id', v_row.originator_id, 'expected', v_row.version, 'found', v_row.found)) || v_rejected;
    END LOOP;
    -- The share lock lasts to the commit: an erasure waits for it, or has already taken the row away.
    FOR v_row IN SELECT u.command, u.key_id FROM unnest(u_command, u_key_id) AS u (command, key_id) LOOP
        PERFORM 1 FROM sealing_keys s WHERE s.key_id = v_row.key_id FOR KEY SHARE;
        IF NOT FOUND THEN
            v_rejected := jsonb_build_object(v_row.command,
                jsonb_build_object('outcome', 'key_erased', 'key_id', v_row.key_id)) || v_rejected;
        END IF;
    END LOOP;
    -- An erasure names every key of its owner: one that it does not know was made since.
    FOR v_row IN SELECT * FROM jsonb_to_recordset(p_erasures) AS d (command integer, owner text, key_ids uuid[]) LOOP
        IF (SELECT array_agg(s.key_id ORDER BY s.key_id) FROM sealing_keys s WHERE s.owner_id = v_row.owner)
            IS DISTINCT FROM (SELECT array_agg(k ORDER BY k) FROM unnest(v_row.key_ids) AS k)
        THEN
            v_rejected := jsonb_build_object(v_row.command,
                jsonb_build_object('outcome', 'conflict', 'originator_id', NULL)) || v_rejected;
        END IF;
    END LOOP;
    FOR v_row IN
        SELECT DISTINCT e.command FROM unnest(e_command, e_effective_on) AS e (command, effective_on)
        WHERE e.effective_on > v_today
    LOOP
        v_rejected := jsonb_build_object(v_row.command,
            jsonb_build_object('outcome', 'future', 'today', v_today)) || v_rejected;
    END LOOP;

    -- Positions run on over the accepted commands only: the place of each event, null when its command is rejected.
    IF v_rejected = '{}' THEN
        v_taken := cardinality(e_command);
        v_place := array(SELECT generate_series(1, v_taken));
    ELSE
        SELECT array_agg(CASE WHEN r.taken THEN r.place END ORDER BY r.n), coalesce(max(r.place), 0)
        INTO v_place, v_taken
        FROM (
            SELECT e.n, NOT v_rejected ? e.command::text AS taken,
                count(*) FILTER (WHERE NOT v_rejected ? e.command::text) OVER (ORDER BY e.n) AS place
            FROM unnest(e_command) WITH ORDINALITY AS e (command, n)
        ) AS r;
    END IF;
    INSERT INTO stored_events
        (originator_id, originator_version, topic, state, notification_id, event_id, recorded_at, sealed)
    SELECT e.originator_id, e.version, e.topic, e.state, v_head + e.place, e.event_id, v_stamp, e.sealed
    FROM unnest(e_originator, e_version, e_topic, e_state, e_event_id, e_sealed, v_place)
        AS e (originator_id, version, topic, state, event_id, sealed, place)
    WHERE e.place IS NOT NULL;
    IF i_event <> '{}' THEN
        INSERT INTO idempotency_keys (caller, key, fingerprint, originator_id, originator_version, notification_id)
        SELECT i.caller, i.key, i.fingerprint, e_originator[i.event], e_version[i.event], v_head + v_place[i.event]
        FROM unnest(i_event, i_caller, i_key, i_fingerprint) AS i (event, caller, key, fingerprint)
        WHERE v_place[i.event] IS NOT NULL;
    END IF;
    IF r_event <> '{}' THEN
        INSERT INTO external_references (source, external_id, originator_id, originator_version, notification_id)
        SELECT r.source, r.external_id, e_originator[r.event], e_version[r.event], v_head + v_place[r.event]
        FROM unnest(r_event, r_source, r_external_id) AS r (event, source, external_id)
        WHERE v_place[r.event] IS NOT NULL;
    END IF;
    IF k_event <> '{}' THEN
        INSERT INTO sealing_keys (key_id, owner_id, originator_id, wrapped)
        SELECT k.key_id, k.owner_id, k.originator_id, k.wrapped
        FROM unnest(k_event, k_key_id, k_owner, k_originator, k_wrapped)
            AS k (event, key_id, owner_id, originator_id, wrapped)
        WHERE v_place[k.event] IS NOT NULL;
    END IF;
    IF p_erasures <> '[]' THEN
        DELETE FROM sealing_keys USING jsonb_to_recordset(p_erasures) AS d (command integer, owner text)
        WHERE owner_id = d.owner AND NOT v_rejected ? d.command::text;
    END IF;
    IF v_taken > 0 THEN
        PERFORM pg_notify('stored_events', (v_head + v_taken)::text);
    END IF;
    RETURN QUERY SELECT v_head, v_stamp, nullif(v_rejected, '{}');
END $$;

-- States that no event will be stamped at or before the returned instant any more; stored before it is told.
-- Called after ordering_lock() in a statement of its own, so that clock and head are read under the lock.
CREATE FUNCTION state_complete() RETURNS TABLE (complete timestamptz, head bigint) LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_last timestamptz;
    v_head bigint;
    v_complete timestamptz;
BEGIN
    SELECT s.notification_id, s.recorded_at INTO v_head, v_last
        FROM stored_events s ORDER BY s.notification_id DESC LIMIT 1;
    UPDATE store_state SET complete_to = greatest(
        complete_to, v_last, clock_timestamp() + coalesce(clock_offset, interval '0')
    ) RETURNING complete_to INTO v_complete;
    RETURN QUERY SELECT v_complete, coalesce(v_head, 0);
END $$;

-- Moves the clock of a development store, forwards only; refused where real events were recorded by the real clock.
CREATE FUNCTION move_clock(p_to timestamptz) RETURNS timestamptz LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_state store_state%ROWTYPE;
BEGIN
    PERFORM ordering_lock();
    SELECT * INTO v_state FROM store_state;
    IF v_state.clock_offset IS NULL THEN
        IF v_state.complete_to IS NOT NULL OR EXISTS (SELECT 1 FROM stored_events) THEN
            RAISE EXCEPTION 'the clock of this store is the real one' USING ERRCODE = 'object_not_in_prerequisite_state';
        END IF;
    ELSIF p_to < clock_timestamp() + v_state.clock_offset THEN
        RAISE EXCEPTION 'the clock moves forwards only' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    UPDATE store_state SET clock_offset = p_to - clock_timestamp();
    RETURN p_to;
END $$;
