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

-- The only way in. `p_commands` is one JSON object a command; events come as arrays with the number of their command
-- (from 1), those of a command side by side. A command that may not be recorded is rejected whole and alone. Returns one
-- row a command. Every check is one query for the whole batch; only what it refuses is looked at one by one.
CREATE FUNCTION append_events(
    p_commands         jsonb,
    e_command          integer[],
    e_originator       uuid[],
    e_version          bigint[],
    e_topic            text[],
    e_state            bytea[],
    e_event_id         uuid[],
    e_sealed           bytea[],
    e_effective_on     date[]
) RETURNS TABLE (
    command integer, outcome text, first_position bigint, last_position bigint, stamped timestamptz, detail jsonb
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
-- A connection keeps the plans of its first batches: made on small tables, they would read whole ones when they grow.
SET enable_seqscan = off AS $$
DECLARE
    v_state     store_state%ROWTYPE;
    v_head      bigint;
    v_last      timestamptz;
    v_stamp     timestamptz;
    v_today     date;
    v_commands  integer := jsonb_array_length(p_commands);
    v_rejected  jsonb[] := array_fill(NULL::jsonb, ARRAY[v_commands]);
    v_row       record;
    v_found     bigint;
    v_events    bigint;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'append_events runs in READ COMMITTED only';
    END IF;
    PERFORM ordering_lock();
    -- A statement after the lock: its snapshot sees all that was committed under the lock.
    SELECT * INTO v_state FROM store_state;
    SELECT notification_id, recorded_at INTO v_head, v_last
        FROM stored_events ORDER BY notification_id DESC LIMIT 1;
    v_head := coalesce(v_head, 0);
    v_stamp := greatest(
        v_last,
        v_state.complete_to + interval '1 microsecond',
        clock_timestamp() + coalesce(v_state.clock_offset, interval '0')
    );
    v_today := (v_stamp AT TIME ZONE 'Asia/Ho_Chi_Minh')::date;

    -- The first reason found is the one that is told.
    FOR v_row IN
        SELECT c.i, k.*, (SELECT s.recorded_at FROM stored_events s WHERE s.notification_id = k.notification_id)
        FROM jsonb_array_elements(p_commands) WITH ORDINALITY AS c(v, i), LATERAL (
            SELECT * FROM idempotency_keys WHERE caller = c.v ->> 'caller' AND key = c.v ->> 'key' LIMIT 1
        ) AS k
        WHERE c.v ? 'key'
    LOOP
        v_rejected[v_row.i] := jsonb_build_object('outcome', 'replay',
            'fingerprint', encode(v_row.fingerprint, 'hex'), 'originator_id', v_row.originator_id,
            'version', v_row.originator_version, 'position', v_row.notification_id,
            'recorded_at', v_row.recorded_at);
    END LOOP;

    FOR v_row IN
        SELECT c.i, r.*
        FROM jsonb_array_elements(p_commands) WITH ORDINALITY AS c(v, i),
            jsonb_array_elements(c.v -> 'references') AS given, LATERAL (
                SELECT * FROM external_references WHERE source = given ->> 0 AND external_id = given ->> 1 LIMIT 1
            ) AS r
        WHERE c.v ? 'references'
    LOOP
        CONTINUE WHEN v_rejected[v_row.i] IS NOT NULL;
        v_rejected[v_row.i] := jsonb_build_object('outcome', 'reference', 'originator_id', v_row.originator_id,
            'version', v_row.originator_version, 'position', v_row.notification_id);
    END LOOP;

    FOR v_row IN
        SELECT c.i FROM jsonb_array_elements(p_commands) WITH ORDINALITY AS c(v, i)
        WHERE c.v ? 'today' AND (c.v ->> 'today')::date <> v_today
    LOOP
        CONTINUE WHEN v_rejected[v_row.i] IS NOT NULL;
        v_rejected[v_row.i] := jsonb_build_object('outcome', 'day_changed', 'today', v_today);
    END LOOP;

    FOR v_row IN
        SELECT c.i, x.id, x.version, coalesce(f.originator_version, 0) AS found
        FROM jsonb_array_elements(p_commands) WITH ORDINALITY AS c(v, i),
            LATERAL (SELECT key::uuid AS id, value::bigint AS version FROM jsonb_each_text(c.v -> 'expected')) AS x
            LEFT JOIN LATERAL (
                SELECT s.originator_version FROM stored_events s
                WHERE s.originator_id = x.id ORDER BY s.originator_version DESC LIMIT 1
            ) AS f ON true
        WHERE c.v ? 'expected' AND coalesce(f.originator_version, 0) <> x.version
    LOOP
        CONTINUE WHEN v_rejected[v_row.i] IS NOT NULL;
        v_rejected[v_row.i] := jsonb_build_object('outcome', 'conflict', 'originator_id', v_row.id,
            'expected', v_row.version, 'found', v_row.found);
    END LOOP;

    FOR v_row IN
        SELECT c.i, given.id::uuid AS id
        FROM jsonb_array_elements(p_commands) WITH ORDINALITY AS c(v, i),
            jsonb_array_elements_text(c.v -> 'used_keys') AS given(id)
        WHERE c.v ? 'used_keys'
    LOOP
        CONTINUE WHEN v_rejected[v_row.i] IS NOT NULL;
        -- The share lock lasts to the commit: an erasure waits for it, or has already taken the row away.
        PERFORM 1 FROM sealing_keys WHERE key_id = v_row.id FOR KEY SHARE;
        IF NOT FOUND THEN
            v_rejected[v_row.i] := jsonb_build_object('outcome', 'key_erased', 'key_id', v_row.id);
        END IF;
    END LOOP;

    FOR v_row IN
        SELECT c.i, c.v FROM jsonb_array_elements(p_commands) WITH ORDINALITY AS c(v, i) WHERE c.v ? 'erase_owner'
    LOOP
        CONTINUE WHEN v_rejected[v_row.i] IS NOT NULL;
        SELECT count(*) INTO v_found FROM sealing_keys WHERE owner_id = v_row.v ->> 'erase_owner';
        IF v_found <> jsonb_array_length(v_row.v -> 'erase_key_ids') OR EXISTS (
            SELECT 1 FROM jsonb_array_elements_text(v_row.v -> 'erase_key_ids') AS given
            WHERE NOT EXISTS (SELECT 1 FROM sealing_keys k WHERE k.key_id = given::uuid
                AND k.owner_id = v_row.v ->> 'erase_owner'))
        THEN
            v_rejected[v_row.i] := jsonb_build_object('outcome', 'conflict', 'originator_id', NULL);
        END IF;
    END LOOP;

    FOR v_row IN
        SELECT DISTINCT e.c FROM unnest(e_command, e_effective_on) AS e(c, effective_on) WHERE e.effective_on > v_today
    LOOP
        CONTINUE WHEN v_rejected[v_row.c] IS NOT NULL;
        v_rejected[v_row.c] := jsonb_build_object('outcome', 'future', 'today', v_today);
    END LOOP;

    -- Positions run on over the accepted commands only.
    RETURN QUERY
    WITH commands AS (
        SELECT o.i::integer AS c, o.v, v_rejected[o.i] AS rejected
        FROM jsonb_array_elements(p_commands) WITH ORDINALITY AS o(v, i)
    ), accepted AS (
        SELECT e.*, v_head + row_number() OVER (ORDER BY e.n) AS position
        FROM unnest(e_command, e_originator, e_version, e_topic, e_state, e_event_id, e_sealed)
            WITH ORDINALITY AS e(c, originator, version, topic, state, event_id, sealed, n)
        WHERE v_rejected[e.c] IS NULL
    ), inserted AS (
        INSERT INTO stored_events
            (originator_id, originator_version, topic, state, notification_id, event_id, recorded_at, sealed)
        SELECT originator, version, topic, state, position, event_id, v_stamp, sealed FROM accepted ORDER BY position
    ), streams AS (
        SELECT c, array_agg(originator ORDER BY n) AS originators, array_agg(version ORDER BY n) AS versions,
               min(position) AS first, max(position) AS last
        FROM accepted GROUP BY c
    ), bounds AS (
        SELECT s.*, o.v FROM streams s JOIN commands o USING (c)
    ), keyed AS (
        INSERT INTO idempotency_keys (caller, key, fingerprint, originator_id, originator_version, notification_id)
        SELECT v ->> 'caller', v ->> 'key', decode(v ->> 'fingerprint', 'hex'), originators[1], versions[1], first
        FROM bounds WHERE v ? 'key'
    ), referred AS (
        -- A reference points to the first event of its command, or to the one whose number (from 0) it gives.
        INSERT INTO external_references (source, external_id, originator_id, originator_version, notification_id)
        SELECT given ->> 0, given ->> 1, originators[1 + at], versions[1 + at], first + at
        FROM bounds, jsonb_array_elements(v -> 'references') AS given,
            LATERAL (SELECT coalesce((given ->> 2)::integer, 0) AS at) AS numbered
        WHERE v ? 'references'
    ), new_keys AS (
        INSERT INTO sealing_keys (key_id, owner_id, originator_id, wrapped)
        SELECT (given ->> 0)::uuid, given ->> 1, (given ->> 2)::uuid, decode(given ->> 3, 'hex')
        FROM bounds, jsonb_array_elements(v -> 'new_keys') AS given WHERE v ? 'new_keys'
    ), erased AS (
        DELETE FROM sealing_keys USING bounds WHERE v ? 'erase_owner' AND owner_id = v ->> 'erase_owner'
    )
    SELECT o.c, coalesce(o.rejected ->> 'outcome', 'recorded'), b.first, b.last, v_stamp, o.rejected
    FROM commands o LEFT JOIN bounds b ON b.c = o.c
    ORDER BY o.c;

    SELECT count(*) INTO v_events FROM unnest(e_command) AS e(c) WHERE v_rejected[e.c] IS NULL;
    IF v_events > 0 THEN
        PERFORM pg_notify('stored_events', (v_head + v_events)::text);
    END IF;
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
