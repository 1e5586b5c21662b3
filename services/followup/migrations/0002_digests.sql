-- Digests by mail that are done with: a body gets one a day from each source, whichever followup sends it.
-- `recipient` is its key in the recipients file; no address is kept.
CREATE TABLE sent_digests (
    source     text        NOT NULL,
    recipient  text        NOT NULL,
    day        date        NOT NULL,
    outcome    text        NOT NULL CHECK (outcome IN ('sent', 'empty')),
    message_id text        NOT NULL DEFAULT '',
    done_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (source, recipient, day)
);
