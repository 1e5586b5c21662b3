-- Which store each source is: the event at its first position, which no other store has. Two stores of one name, or one
-- store under two addresses, would be read into each other.
CREATE TABLE source_births (
    source   text        PRIMARY KEY,
    birth    uuid        NOT NULL UNIQUE,
    known_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

INSERT INTO source_births (source, birth)
SELECT source, event_id FROM projection.facts WHERE position = 1 ON CONFLICT DO NOTHING;
