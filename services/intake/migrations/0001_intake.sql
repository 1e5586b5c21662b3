-- Beside the event store: refused commands, who read sealed content, and which petitions a conference concerns.

-- A refused command of the queue is never dropped: its body and the reason, which may quote it, are kept under the
-- master key, the code of the reason in the clear.
CREATE TABLE refused_commands (
    refused_id  uuid        PRIMARY KEY,
    refused_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    caller      text        NOT NULL,
    command     text        NOT NULL,
    reason_code text        NOT NULL,
    sealed      bytea       NOT NULL
);
CREATE INDEX refused_commands_at ON refused_commands (refused_at);

-- Written before the content is answered: who read what a citizen wrote, and for whom.
CREATE TABLE content_reads (
    read_id      uuid        PRIMARY KEY,
    read_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    caller       text        NOT NULL,
    on_behalf_of text        NOT NULL,
    subject_id   uuid        NOT NULL
);
CREATE INDEX content_reads_subject ON content_reads (subject_id, read_at);

-- The conference that a petition's event names. The stored bytes are UTF-8 JSON and never change, so neither does this.
CREATE FUNCTION intake_conference_of(state bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT convert_from(state, 'UTF8')::jsonb #>> '{data,conference_id}'
$$;
CREATE INDEX stored_events_conference ON stored_events (intake_conference_of(state))
    WHERE topic IN ('PetitionScheduled', 'PetitionRaised');
