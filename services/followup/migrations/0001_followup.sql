-- followup beside its event store. `public` holds facts of its own: deadline events, parked events, requests.
-- `projection` holds what can be folded again at any time; a rebuild makes it beside this one and swaps the schemas.

-- Events that could not be applied, and those that wait behind them. Released rows stay: the log tells what happened.
CREATE TABLE parked_events (
    source      text        NOT NULL,
    position    bigint      NOT NULL,
    event_id    uuid        NOT NULL,
    petition_id uuid        NOT NULL,
    topic       text        NOT NULL,
    reason      text        NOT NULL,
    parked_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    released_at timestamptz,
    PRIMARY KEY (source, position)
);
CREATE INDEX parked_events_waiting ON parked_events (source, petition_id) WHERE released_at IS NULL;
CREATE INDEX parked_events_listed ON parked_events (source, position) WHERE released_at IS NULL;

-- What an operator asked of the writer: it alone changes the projection, so a command line leaves a request here.
CREATE TABLE requests (
    request_id uuid        PRIMARY KEY,
    kind       text        NOT NULL CHECK (kind IN ('unpark', 'reconcile')),
    source     text        NOT NULL,
    subject_id uuid,
    reason     text        NOT NULL DEFAULT '',
    asked_by   text        NOT NULL DEFAULT '',
    asked_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    done_at    timestamptz,
    answer     text        NOT NULL DEFAULT ''
);
CREATE INDEX requests_open ON requests (asked_at) WHERE done_at IS NULL;

-- One SQL function makes the projection's tables, so that a rebuild makes the very same ones under another name.
CREATE FUNCTION create_projection(p_schema text) RETURNS void LANGUAGE plpgsql AS $create$
BEGIN
    EXECUTE format('CREATE SCHEMA %I', p_schema);
    EXECUTE format('SET LOCAL search_path TO %I, public', p_schema);

    -- The cursor of each source. `revision` grows with every transaction of the writer: compared and set, it fences
    -- out a writer that slept too long. `horizon` is the instant up to which timers have fired.
    CREATE TABLE sources (
        source           text PRIMARY KEY,
        epoch            text        NOT NULL DEFAULT '',
        position         bigint      NOT NULL DEFAULT 0,
        event_id         uuid,
        instant          timestamptz,
        horizon          timestamptz,
        complete_to      timestamptz,
        complete_read_at timestamptz,
        head             bigint      NOT NULL DEFAULT 0,
        state            text        NOT NULL DEFAULT 'following' CHECK (state IN ('following', 'stopped')),
        reason           text        NOT NULL DEFAULT '',
        ticked_at        timestamptz,
        gaps             bigint      NOT NULL DEFAULT 0,
        revision         bigint      NOT NULL DEFAULT 0
    );

    -- What was read, as it was read: the case is the fold of these.
    CREATE TABLE facts (
        source        text        NOT NULL,
        position      bigint      NOT NULL,
        event_id      uuid        NOT NULL,
        originator_id uuid        NOT NULL,
        version       bigint      NOT NULL,
        topic         text        NOT NULL,
        is_petition   boolean     NOT NULL,
        recorded_at   timestamptz NOT NULL,
        state         bytea       NOT NULL,
        PRIMARY KEY (source, position)
    );
    CREATE INDEX facts_originator ON facts (originator_id, position);
    CREATE INDEX facts_shared ON facts (source, position) WHERE NOT is_petition;

    -- Which petitions belong to a conference, which were merged into another. A link once made stays: loading one
    -- petition too many does no harm.
    CREATE TABLE links (
        other_id    uuid NOT NULL,
        petition_id uuid NOT NULL,
        merged      boolean NOT NULL,
        PRIMARY KEY (other_id, petition_id)
    );
    CREATE INDEX links_petition ON links (petition_id) WHERE merged;

    -- Codes sort by code point, so that a subtree is one range: H35 and all that begins with `H35.`.
    CREATE TABLE cases (
        subject_id   uuid    PRIMARY KEY,
        source       text    NOT NULL,
        subject      text    NOT NULL,
        jurisdiction text    COLLATE "C" NOT NULL,
        agency       text    NOT NULL,
        state        text    NOT NULL,
        unresolved   boolean NOT NULL,
        overdue      boolean NOT NULL,
        due_on       date    NOT NULL, -- the earliest open due date of all its duties; infinity when there is none
        received_on  date,
        row          bytea   NOT NULL  -- the whole row as JSON
    );
    -- Overdue first is due date first. A listing merges one walk for each state (and each code of a subtree) and stops
    -- at its page's end, however long the history.
    CREATE INDEX cases_state ON cases (subject, state, due_on, subject_id);
    CREATE INDEX cases_agency ON cases (subject, agency, state, due_on, subject_id);
    CREATE INDEX cases_jurisdiction ON cases (subject, jurisdiction, state, due_on, subject_id);
    -- What the metrics count, without a look at the rows themselves.
    CREATE INDEX cases_open ON cases (agency, state, jurisdiction, received_on) WHERE unresolved;

    CREATE TABLE deadlines (
        deadline_id  uuid    PRIMARY KEY,
        source       text    NOT NULL,
        subject      text    NOT NULL,
        subject_id   uuid    NOT NULL,
        duty         text    NOT NULL,
        debtor       text    NOT NULL,
        jurisdiction text    COLLATE "C" NOT NULL,
        due_on       date    NOT NULL, -- infinity for an undated duty
        due_soon_on  date    NOT NULL, -- the first warning stage; infinity where there is none
        breached     boolean NOT NULL,
        outcome      text    NOT NULL, -- '' while open
        next_fire_at timestamptz,      -- null when time alone raises nothing more, or while the petition is parked
        raised       bytea   NOT NULL  -- the whole as JSON
    );
    CREATE INDEX deadlines_subject ON deadlines (subject_id);
    CREATE INDEX deadlines_timers ON deadlines (source, next_fire_at) WHERE next_fire_at IS NOT NULL;
    CREATE INDEX deadlines_duty ON deadlines (duty, outcome, due_on, deadline_id);
    CREATE INDEX deadlines_debtor ON deadlines (debtor, outcome, due_on, deadline_id);
    CREATE INDEX deadlines_jurisdiction ON deadlines (jurisdiction, outcome, due_on, deadline_id);
    CREATE INDEX deadlines_breached ON deadlines (outcome, due_on, deadline_id) WHERE breached;
    CREATE INDEX deadlines_breached_in ON deadlines (jurisdiction, outcome, due_on, deadline_id) WHERE breached;
    -- What the metrics count, and the cases on which a body owes something without leading them.
    CREATE INDEX deadlines_open ON deadlines (debtor, duty, due_on, due_soon_on, source, subject_id)
        WHERE outcome = '';

    -- Cases whose raised deadlines are not what they ought to be: they emit nothing until reconciled.
    CREATE TABLE differences (
        subject_id uuid PRIMARY KEY,
        source     text        NOT NULL,
        reason     text        NOT NULL,
        found_at   timestamptz NOT NULL DEFAULT clock_timestamp()
    );

    CREATE TABLE agencies (
        code         text COLLATE "C" PRIMARY KEY,
        source       text NOT NULL,
        name         text NOT NULL,
        jurisdiction text COLLATE "C" NOT NULL,
        valid_from   date NOT NULL,
        closed_on    date,
        successor    text NOT NULL DEFAULT ''
    );
END $create$;

SELECT create_projection('projection');
