-- Duties that cannot be counted are listed instead of stopping their source.
\ir ../projection.sql

-- The duties whose days cannot be counted: a year on the way has no calendar, or a document names an impossible day.
-- What was raised on them stands, and its timers wait.
CREATE TABLE projection.uncountable (
    deadline_id uuid PRIMARY KEY,
    source      text        NOT NULL,
    subject_id  uuid        NOT NULL,
    duty        text        NOT NULL,
    part        text        NOT NULL,
    document    text        NOT NULL, -- the document by whose rule it is to be counted
    reason      text        NOT NULL, -- what is missing
    found_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX uncountable_subject ON projection.uncountable (subject_id);
