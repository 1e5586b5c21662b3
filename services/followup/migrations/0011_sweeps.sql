-- An event of the regulation reaches the cases in steps.
\ir ../projection.sql

-- The position up to which a case has got every event of the regulation, while there are sweeps.
ALTER TABLE projection.cases ADD COLUMN settled_to bigint NOT NULL DEFAULT 0;

-- Events of the regulation that have not reached every case yet.
CREATE TABLE projection.sweeps (
    source     text        NOT NULL,
    position   bigint      NOT NULL,
    fire_at    timestamptz NOT NULL DEFAULT '1970-01-01 00:00:00Z',
    is_walking boolean     NOT NULL DEFAULT false,
    after_id   uuid        NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    begun_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (source, position)
);
