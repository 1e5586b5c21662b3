-- The whole schema of the projection: its tables, and the functions that write them.
-- The projection is disposable, and each source has its own: every table is partitioned by source, and the tables of one
-- source stand in a schema of its own, `followed:NAME`. A rebuild makes the same tables in `rebuilt`, fills them from the facts,
-- and puts them in the place of that source's. What is not disposable (deadline events, parked events, requests, sent digests)
-- lives in `public` and is made by the migrations.
--
-- The newest migration that names this file runs it. To change the projection:
-- 1. copy this text into that migration, in the place of the line that names the file (its hash stays the same);
-- 2. change this file;
-- 3. write a new migration that changes the live tables in `followed` to the same and runs this file.
-- A release N-1 runs beside its successor: a function that it calls keeps its name and parameters until the release after,
-- and a changed one gets a new name. Grants name functions without their parameters, so no two share a name.

-- The code of the receipt that the first event of a petition told; null for bytes that cannot be read, which are parked.
-- It is cut before it is too long for an index.
CREATE OR REPLACE FUNCTION followup_receipt_of(state bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT left(substring(encode(state, 'escape') FROM '"receipt_code":"([^"]*)"'), 200)
$$;

-- The agency that a forwarding asks for its answer; null for bytes that cannot be read.
CREATE OR REPLACE FUNCTION followup_asked(state bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT left(substring(encode(state, 'escape') FROM '"agency":"([^"]*)"'), 200)
$$;

-- What a search compares of a text: small letters, each mark after its letter, every separator a blank. What is beyond 300
-- characters is not searched.
CREATE OR REPLACE FUNCTION followup_letters(t text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT translate(
        replace(lower(normalize(left(t, 300), NFD) COLLATE "C"), 'Đ', 'đ'),
        E'\t\n\r!"#$%&\'()*+,-./:;<=>?@[]\\^_`{|}~\u00A0\u00AB\u00B7\u00BB\u2010\u2011\u2012\u2013\u2014\u2018\u2019\u201A\u201C\u201D\u201E\u2022\u2026',
        repeat(' ', 60)
    )
$$;

-- Such letters without the marks of Vietnamese and its neighbours: `đường` as `duong`.
CREATE OR REPLACE FUNCTION followup_bare(letters text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT translate(letters, E'đ\u0300\u0301\u0302\u0303\u0306\u0308\u0309\u030A\u030C\u031B\u0323\u0327', 'd')
$$;

-- The words of such letters, with their marks and without.
CREATE OR REPLACE FUNCTION followup_words(letters text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT array_remove(string_to_array(letters, ' ') || string_to_array(public.followup_bare(letters), ' '), '')
$$;

-- A code as it is compared, however it was typed: `PAKN-2019/7` as `pakn20197`.
CREATE OR REPLACE FUNCTION followup_code(t text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT replace(public.followup_bare(public.followup_letters(t)), ' ', '')
$$;

-- The words of a name, to be indexed.
CREATE OR REPLACE FUNCTION followup_name(t text) RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT array_to_tsvector(public.followup_words(public.followup_letters(t)))
$$;

-- Where a text stands in a dictionary: by letters (a, ă, â), then by tones (none, grave, hook, tilde, acute, dot below).
-- No collation of the server's is needed, and none makes the index wrong when the server's libraries are changed.
CREATE OR REPLACE FUNCTION followup_order(t text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT left(translate(l, E'\u0302\u0300\u0309\u0303\u0301\u0323', E'\u0307'), 50)
        || E'\x01' || left(translate(l, E'\u0302\u0300\u0309\u0303\u0301\u0323', E'\u0307\u0340\u0341\u0342\u0343\u0344'), 60)
    FROM (
        SELECT replace(
            array_to_string(array_remove(string_to_array(public.followup_letters(t), ' '), ''), ' '), 'đ', E'd\u0335'
        ) OFFSET 0
    ) AS spaced (l)
$$;

-- The row of a case as it can be looked into. jsonb holds no NUL; a backslash that was escaped goes first, since what follows
-- it is no escape.
CREATE OR REPLACE FUNCTION followup_row(p_row bytea) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT replace(replace(convert_from(p_row, 'UTF8'), '\\', '/'), '\u0000', ' ')::jsonb
$$;

-- What a case is searched by, out of such a row. Nothing of it was ever sealed.
CREATE OR REPLACE FUNCTION followup_searched(r jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT jsonb_build_array(r -> 'title', r -> 'field', r -> 'urgency', r -> 'conference_id', r -> 'receipt_code',
        r -> 'external_id')
$$;

-- The same as an index finds it: the words of the title, and under a sign that begins no word the codes and what is filtered
-- by.
CREATE OR REPLACE FUNCTION followup_found(searched jsonb) RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT array_to_tsvector(public.followup_words(letters) || array_remove(ARRAY[
        '=field ' || left(searched ->> 1, 200),
        '=urgency ' || left(searched ->> 2, 200),
        '=conference ' || (searched ->> 3),
        '=code ' || nullif(public.followup_code(searched ->> 4), ''),
        '=code ' || nullif(public.followup_code(searched ->> 5), '')
    ], NULL))
    FROM (SELECT public.followup_letters(searched ->> 0) OFFSET 0) AS title (letters)
$$;

-- Makes the schema and its tables, which hold nothing until a source is followed. Names without a schema resolve to the new one
-- until the end of the transaction.
CREATE OR REPLACE FUNCTION create_followed(p_schema text) RETURNS void LANGUAGE plpgsql AS $create$
BEGIN
    EXECUTE format('CREATE SCHEMA %I', p_schema);
    EXECUTE format('SET LOCAL search_path TO %I, public', p_schema);

    -- How far each source was read and its timers fired; one row a source, written by its projector alone.
    CREATE TABLE sources (
        source           text PRIMARY KEY,
        epoch            text        NOT NULL DEFAULT '', -- of the feed when it was last read; '' before the first page
        position         bigint      NOT NULL DEFAULT 0,  -- of the last event applied; 0 before the first
        event_id         uuid,                            -- of the last event applied; null before the first
        instant          timestamptz,                     -- the stamp of the last event applied
        horizon          timestamptz,                     -- up to here, in the source's time, timers have fired
        complete_to      timestamptz,                     -- no further event will be stamped at or before this instant
        complete_read_at timestamptz,                     -- when complete_to last grew, by this database's clock
        head             bigint      NOT NULL DEFAULT 0,  -- the source's last position when it was last asked
        -- 'stopped' when going on could make everything after wrong; the projector tries again by itself.
        state            text        NOT NULL DEFAULT 'following' CHECK (state IN ('following', 'stopped')),
        reason           text        NOT NULL DEFAULT '', -- why it is stopped, or that the source is away
        ticked_at        timestamptz,                     -- the last sign of life, by this database's clock
        gaps             bigint      NOT NULL DEFAULT 0,  -- how often the broker skipped events and the feed was read
        -- Grows with every transaction of the projector. It is compared and set, so that a projector which slept past
        -- its lease cannot write.
        revision         bigint      NOT NULL DEFAULT 0
    );

    -- Every other table is partitioned by source. Within a partition the source is one, so that keys begin with what tells rows
    -- apart there; a row is looked up in all of them where its source is not known.

    -- The events as they were read. A case is the fold of its facts.
    CREATE TABLE facts (
        source        text        NOT NULL,
        position      bigint      NOT NULL,
        event_id      uuid        NOT NULL,
        originator_id uuid        NOT NULL, -- the stream: a petition, a conference, or a part of the regulation
        version       bigint      NOT NULL, -- in that stream, from 1
        topic         text        NOT NULL,
        is_petition   boolean     NOT NULL,
        recorded_at   timestamptz NOT NULL,
        state         bytea       NOT NULL, -- the event's bytes, never changed
        PRIMARY KEY (source, position)
    ) PARTITION BY LIST (source);
    CREATE INDEX facts_originator ON facts (originator_id, position);
    CREATE INDEX facts_shared ON facts (position) WHERE NOT is_petition;
    -- What is known of places, catalogues and rules is read for each page: a few facts among all those of conferences.
    CREATE INDEX facts_topic ON facts (topic, position) WHERE NOT is_petition;
    CREATE INDEX facts_receipt ON facts (followup_receipt_of(state)) WHERE topic = 'PetitionReceived';
    -- Whom the petitions were forwarded to.
    CREATE INDEX facts_asked ON facts (followup_asked(state), originator_id) WHERE topic = 'PetitionForwarded';

    -- Which petitions belong to a conference, and which were merged into another. A link is never removed: to load one
    -- petition too many does no harm.
    CREATE TABLE links (
        source      text NOT NULL,
        other_id    uuid NOT NULL,    -- the conference, or the petition that goes on after the merger
        petition_id uuid NOT NULL,
        merged      boolean NOT NULL, -- a merger; else a conference
        PRIMARY KEY (other_id, petition_id, source)
    ) PARTITION BY LIST (source);
    CREATE INDEX links_petition ON links (petition_id) WHERE merged;

    -- One row a petition, conference or jurisdiction that has a case.
    CREATE TABLE cases (
        source       text    NOT NULL,
        subject_id   uuid    NOT NULL,
        subject      text    NOT NULL,             -- 'petition', 'conference' or 'jurisdiction'
        -- Codes sort by code point, so that a subtree is one range: H35 and all that begins with `H35.`.
        jurisdiction text    COLLATE "C" NOT NULL,
        agency       text    NOT NULL,             -- who leads it: an agency, office, chair or unassigned
        state        text    NOT NULL,
        unresolved   boolean NOT NULL,
        overdue      boolean NOT NULL,             -- an open deadline of it is breached
        due_on       date    NOT NULL,             -- the earliest open due date of all its duties; infinity for none
        received_on  date,                         -- a petition's receipt; a conference's first day
        row          bytea   NOT NULL,             -- the whole CaseRow as JSON
        -- While there are sweeps: the position up to which it has got every event of the regulation. A lower number than
        -- is true does no harm once they have ended.
        settled_to   bigint  NOT NULL DEFAULT 0,
        searched     jsonb   NOT NULL DEFAULT '[]', -- what of the row the two that follow are made of
        found        tsvector NOT NULL DEFAULT '',
        title_order  text    COLLATE "C" NOT NULL DEFAULT '',
        PRIMARY KEY (subject_id, source)
    ) PARTITION BY LIST (source);
    -- Overdue first is due date first. A listing merges one index scan for each state (and each code of a subtree) and
    -- stops at its page's end, however long the history is. Two sources may have a case of one id.
    CREATE INDEX cases_state ON cases (subject, state, due_on, subject_id, source);
    CREATE INDEX cases_agency ON cases (subject, agency, state, due_on, subject_id, source);
    CREATE INDEX cases_jurisdiction ON cases (subject, jurisdiction, state, due_on, subject_id, source);
    -- The same in other orders, and what a search or a filter finds.
    CREATE INDEX cases_received ON cases (subject, state, (coalesce(received_on, 'infinity')), subject_id, source);
    CREATE INDEX cases_title ON cases (subject, state, title_order, subject_id, source);
    CREATE INDEX cases_found ON cases USING gin (found);
    -- The fields that are written at a place, each once.
    CREATE INDEX cases_field ON cases (jurisdiction, (coalesce(searched ->> 1, '') COLLATE "C")) WHERE subject = 'petition';
    -- What the metrics count, without reading the rows themselves.
    CREATE INDEX cases_open ON cases (source, agency, state, jurisdiction, received_on) WHERE unresolved;

    -- One row a deadline that was ever set.
    CREATE TABLE deadlines (
        source       text    NOT NULL,
        deadline_id  uuid    NOT NULL,
        subject      text    NOT NULL,             -- the kind of the case: see `cases`
        subject_id   uuid    NOT NULL,
        duty         text    NOT NULL,
        debtor       text    NOT NULL,             -- the body that owes the duty
        jurisdiction text    COLLATE "C" NOT NULL,
        due_on       date    NOT NULL,             -- infinity for an undated duty
        due_soon_on  date    NOT NULL,             -- the first planned warning; infinity when there is none
        breached     boolean NOT NULL,             -- a breach stands
        outcome      text    NOT NULL,             -- '' while open, else 'met', 'met_late' or 'waived'
        next_fire_at timestamptz,                  -- null when time alone raises nothing more, or the case is held back
        raised       bytea   NOT NULL,             -- the whole DeadlineState as JSON
        PRIMARY KEY (deadline_id, source)
    ) PARTITION BY LIST (source);
    CREATE INDEX deadlines_subject ON deadlines (subject_id);
    -- At a midnight thousands of deadlines fall due at one instant. Their order is read from the index, so that it is
    -- not sorted again for each chunk.
    CREATE INDEX deadlines_timers ON deadlines (next_fire_at, deadline_id) WHERE next_fire_at IS NOT NULL;
    CREATE INDEX deadlines_duty ON deadlines (duty, outcome, due_on, deadline_id);
    CREATE INDEX deadlines_debtor ON deadlines (debtor, outcome, due_on, deadline_id);
    CREATE INDEX deadlines_jurisdiction ON deadlines (jurisdiction, outcome, due_on, deadline_id);
    CREATE INDEX deadlines_breached ON deadlines (outcome, due_on, deadline_id) WHERE breached;
    CREATE INDEX deadlines_breached_in ON deadlines (jurisdiction, outcome, due_on, deadline_id) WHERE breached;
    -- The cases on which a body owes or owed something without leading them: these three duties are the lead's alone.
    CREATE INDEX deadlines_beside ON deadlines (debtor, subject_id)
        WHERE duty NOT IN ('reply', 'reply_report', 'result_report');
    -- What the metrics count.
    CREATE INDEX deadlines_open ON deadlines (debtor, duty, due_on, due_soon_on, source, subject_id)
        WHERE outcome = '';

    -- Cases whose raised deadlines are not the expected ones. They emit nothing until an operator reconciles them.
    CREATE TABLE differences (
        source     text        NOT NULL,
        subject_id uuid        NOT NULL,
        reason     text        NOT NULL, -- what was raised, and what is expected
        found_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (subject_id, source)
    ) PARTITION BY LIST (source);

    -- The duties whose days cannot be counted: a year on the way has no calendar, or a document names an impossible day.
    -- What was raised on them stands, and its timers wait.
    CREATE TABLE uncountable (
        source      text        NOT NULL,
        deadline_id uuid        NOT NULL,
        subject_id  uuid        NOT NULL,
        duty        text        NOT NULL,
        part        text        NOT NULL,
        document    text        NOT NULL, -- the document by whose rule it is to be counted
        reason      text        NOT NULL, -- what is missing
        found_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (deadline_id, source)
    ) PARTITION BY LIST (source);
    CREATE INDEX uncountable_subject ON uncountable (subject_id);

    -- Events of the regulation that have not reached every case yet. A case that has missed one is settled on it before
    -- anything else touches it, and none of its timers fires until then.
    CREATE TABLE sweeps (
        source     text        NOT NULL,
        position   bigint      NOT NULL,                                -- of the event
        fire_at    timestamptz NOT NULL DEFAULT '1970-01-01 00:00:00Z', -- of the last timer that was reached
        is_walking boolean     NOT NULL DEFAULT false,                  -- all timers were reached: now every case
        after_id   uuid        NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000', -- the deadline or case reached
        begun_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (source, position)
    ) PARTITION BY LIST (source);

    -- The bodies that the regulation has registered.
    CREATE TABLE agencies (
        source       text NOT NULL,
        code         text COLLATE "C" NOT NULL,
        name         text NOT NULL,
        jurisdiction text COLLATE "C" NOT NULL,
        valid_from   date NOT NULL,
        closed_on    date,                     -- null while it exists
        successor    text NOT NULL DEFAULT '', -- the code of the body that took over; '' when there is none
        PRIMARY KEY (code, source)
    ) PARTITION BY LIST (source);
    CREATE INDEX agencies_name ON agencies USING gin (followup_name(name));
END $create$;

-- The tables that are partitioned by source, in the order in which a transaction of the projector writes them.
CREATE OR REPLACE FUNCTION followed_tables() RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ARRAY['facts', 'links', 'cases', 'deadlines', 'agencies', 'uncountable', 'differences', 'sweeps']
$$;

-- The schema that holds the tables of a source. A name of PostgreSQL has 63 bytes at most.
CREATE OR REPLACE FUNCTION followed_schema(p_source text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT 'followed:' || CASE WHEN octet_length(p_source) <= 50 THEN p_source
        ELSE left(p_source, 20) || ':' || left(encode(sha256(convert_to(p_source, 'UTF8')), 'hex'), 24) END
$$;

-- Makes the tables of a source, free-standing and empty, in a schema that must not exist. The check lets them be attached
-- without being read.
CREATE OR REPLACE FUNCTION create_free_standing(p_schema text, p_source text) RETURNS void LANGUAGE plpgsql AS $create$
DECLARE
    v_table text;
BEGIN
    EXECUTE format('CREATE SCHEMA %I', p_schema);
    EXECUTE format('CREATE TABLE %I.sources (LIKE followed.sources INCLUDING ALL)', p_schema);
    FOREACH v_table IN ARRAY followed_tables() LOOP
        EXECUTE format('CREATE TABLE %I.%I (LIKE followed.%I INCLUDING ALL, CONSTRAINT of_source CHECK (source = %L))',
            p_schema, v_table, v_table, p_source);
    END LOOP;
END $create$;

-- Attaches the tables that stand in the schema of a source.
CREATE OR REPLACE FUNCTION attach_source(p_source text) RETURNS void LANGUAGE plpgsql AS $attach$
DECLARE
    v_schema text := followed_schema(p_source);
    v_table  text;
BEGIN
    FOREACH v_table IN ARRAY followed_tables() LOOP
        EXECUTE format('ALTER TABLE followed.%I ATTACH PARTITION %I.%I FOR VALUES IN (%L)',
            v_table, v_schema, v_table, p_source);
        EXECUTE format('ALTER TABLE %I.%I DROP CONSTRAINT of_source', v_schema, v_table);
    END LOOP;
    EXECUTE format('DROP TABLE %I.sources', v_schema);
END $attach$;

-- Begins to follow a source: makes its tables and its cursor. Several processes may do so at once, and again.
CREATE OR REPLACE FUNCTION begin_source(p_source text) RETURNS void LANGUAGE plpgsql AS $begin$
DECLARE
    v_schema text := followed_schema(p_source);
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(v_schema, 0));
    IF to_regclass('projection.sources') IS NOT NULL THEN
        -- Release 0.4.0 may stand at its beginning: it goes no further, and says so.
        UPDATE projection.sources SET revision = revision + 1000000, state = 'stopped', reason = 'taken over by release 0.5.0'
        WHERE source = p_source;
        IF EXISTS (SELECT 1 FROM projection.sources WHERE source = p_source AND position > 0) THEN
            RAISE EXCEPTION '% was followed by release 0.4.0 meanwhile: restart followup, which takes that over', p_source;
        END IF;
    END IF;
    IF to_regnamespace(quote_ident(v_schema)) IS NULL THEN
        PERFORM create_free_standing(v_schema, p_source);
        PERFORM attach_source(p_source);
    END IF;
    INSERT INTO followed.sources (source) VALUES (p_source) ON CONFLICT DO NOTHING;
END $begin$;

-- Puts the tables in `rebuilt` in the place of a source's own, which keep a name until they are dropped. The caller holds the
-- source's cursor and has set a lock_timeout: readers are waited for, and those that come meanwhile wait.
CREATE OR REPLACE FUNCTION replace_source(p_source text, p_revision bigint) RETURNS void LANGUAGE plpgsql AS $replace$
DECLARE
    v_schema text := followed_schema(p_source);
    v_table  text;
BEGIN
    FOREACH v_table IN ARRAY followed_tables() LOOP
        EXECUTE format('LOCK TABLE followed.%I IN ACCESS EXCLUSIVE MODE', v_table);
    END LOOP;
    IF to_regnamespace(quote_ident(v_schema)) IS NOT NULL THEN
        FOREACH v_table IN ARRAY followed_tables() LOOP
            EXECUTE format('ALTER TABLE followed.%I DETACH PARTITION %I.%I', v_table, v_schema, v_table);
        END LOOP;
        EXECUTE format('ALTER SCHEMA %I RENAME TO replaced', v_schema);
    END IF;
    DELETE FROM followed.sources WHERE source = p_source;
    INSERT INTO followed.sources SELECT * FROM rebuilt.sources WHERE source = p_source;
    UPDATE followed.sources SET revision = p_revision WHERE source = p_source;
    EXECUTE format('ALTER SCHEMA rebuilt RENAME TO %I', v_schema);
    PERFORM attach_source(p_source);
END $replace$;

-- Writes what one transaction of the projector changes, as one statement, and returns when the next timer falls.
-- Tables are named without a schema: a rebuild writes the same rows into the tables beside the live ones.
-- Each kind of row comes as arrays of equal length, in the order of its keys. The deadline events come last, since their
-- append holds the ordering lock until the transaction ends.
CREATE OR REPLACE FUNCTION write_source(
    p_source       text,
    -- facts
    f_position     bigint[],
    f_event_id     uuid[],
    f_originator   uuid[],
    f_version      bigint[],
    f_topic        text[],
    f_is_petition  boolean[],
    f_recorded_at  timestamptz[],
    f_state        bytea[],
    -- links
    l_other        uuid[],
    l_petition     uuid[],
    l_merged       boolean[],
    -- cases
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
    -- cases of which only this is known, that they are overdue now
    p_overdue      uuid[],
    -- deadlines
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
    -- deadline events
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
    v_events   integer := cardinality(e_originator);
    v_rejected jsonb;
BEGIN
    IF f_position <> '{}' THEN
        INSERT INTO facts (source, position, event_id, originator_id, version, topic, is_petition, recorded_at, state)
        SELECT p_source, * FROM unnest(f_position, f_event_id, f_originator, f_version, f_topic, f_is_petition,
            f_recorded_at, f_state);
    END IF;
    IF l_other <> '{}' THEN
        INSERT INTO links (source, other_id, petition_id, merged)
        SELECT p_source, * FROM unnest(l_other, l_petition, l_merged)
        ON CONFLICT DO NOTHING;
    END IF;
    IF c_subject_id <> '{}' THEN
        -- A case is searched by what seldom changes: its words are taken apart only when they do.
        INSERT INTO cases (source, subject_id, subject, jurisdiction, agency, state, unresolved, overdue, due_on,
            received_on, row, searched, found, title_order)
        SELECT p_source, n.*, s.searched,
            CASE WHEN o.searched = s.searched THEN o.found ELSE followup_found(s.searched) END,
            CASE WHEN o.searched = s.searched THEN o.title_order ELSE followup_order(s.searched ->> 0) END
        FROM unnest(c_subject_id, c_subject, c_jurisdiction, c_agency, c_state, c_unresolved, c_overdue, c_due_on,
            c_received_on, c_row) AS n (subject_id, subject, jurisdiction, agency, state, unresolved, overdue, due_on,
            received_on, row)
        -- Each step once: without OFFSET it would be done for each mention.
        CROSS JOIN LATERAL (SELECT followup_row(n.row) OFFSET 0) AS r (decoded)
        CROSS JOIN LATERAL (SELECT followup_searched(r.decoded) OFFSET 0) AS s (searched)
        LEFT JOIN cases o ON o.source = p_source AND o.subject_id = n.subject_id
        ON CONFLICT (source, subject_id) DO UPDATE SET jurisdiction = excluded.jurisdiction, agency = excluded.agency,
            state = excluded.state, unresolved = excluded.unresolved, overdue = excluded.overdue,
            due_on = excluded.due_on, received_on = excluded.received_on, row = excluded.row,
            searched = excluded.searched, found = excluded.found, title_order = excluded.title_order;
    END IF;
    IF p_overdue <> '{}' THEN
        UPDATE cases SET overdue = true WHERE source = p_source AND subject_id = ANY(p_overdue) AND NOT overdue;
    END IF;
    IF d_deadline_id <> '{}' THEN
        INSERT INTO deadlines (source, deadline_id, subject, subject_id, duty, debtor, jurisdiction, due_on,
            due_soon_on, breached, outcome, next_fire_at, raised)
        SELECT p_source, * FROM unnest(d_deadline_id, d_subject, d_subject_id, d_duty, d_debtor, d_jurisdiction,
            d_due_on, d_due_soon_on, d_breached, d_outcome, d_next_fire_at, d_raised)
        ON CONFLICT (source, deadline_id) DO UPDATE SET debtor = excluded.debtor, jurisdiction = excluded.jurisdiction,
            due_on = excluded.due_on, due_soon_on = excluded.due_soon_on, breached = excluded.breached,
            outcome = excluded.outcome, next_fire_at = excluded.next_fire_at, raised = excluded.raised;
    END IF;
    IF v_events > 0 THEN
        SELECT a.rejected INTO v_rejected FROM public.append_events(
            c_today        => '{}',
            e_command      => array_fill(1, ARRAY[v_events]),
            e_originator   => e_originator,
            e_version      => e_version,
            e_topic        => e_topic,
            e_state        => e_state,
            e_event_id     => e_event_id,
            e_sealed       => array_fill(NULL::bytea, ARRAY[v_events]),
            e_effective_on => array_fill(NULL::date, ARRAY[v_events]),
            -- No expected versions, idempotency keys, references, data keys or erasures.
            x_command      => '{}', x_originator => '{}', x_version => '{}',
            i_event        => '{}', i_caller => '{}', i_key => '{}', i_fingerprint => '{}',
            r_event        => '{}', r_source => '{}', r_external_id => '{}',
            k_event        => '{}', k_key_id => '{}', k_owner => '{}', k_originator => '{}', k_wrapped => '{}',
            u_command      => '{}', u_key_id => '{}',
            p_erasures     => '[]'
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

-- Moves the cursor of a source from revision `p_before` on; false when another projector has moved it.
CREATE OR REPLACE FUNCTION move_source(
    p_source      text,
    p_before      bigint, -- the revision that the projector knows
    p_epoch       text,
    p_position    bigint,
    p_event_id    uuid,
    p_instant     timestamptz,
    p_horizon     timestamptz,
    p_head        bigint,
    p_revision    bigint, -- the new revision
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
    WHERE source = p_source AND revision = p_before;
    RETURN FOUND;
END $advance$;
