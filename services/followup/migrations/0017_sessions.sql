-- Who is signed in to the console: the hash of what the browser keeps, and the tokens of the person, sealed under a key file.
CREATE TABLE sessions (
    digest  bytea       PRIMARY KEY CHECK (octet_length(digest) = 32),
    subject text        NOT NULL,
    name    text        NOT NULL,
    post    uuid,
    tokens  bytea       NOT NULL,
    created timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen    timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires timestamptz NOT NULL,
    revoked timestamptz
);

CREATE INDEX sessions_subject ON sessions (subject);
-- What is left of a session that ended is blanked at the next sign-in; blank rows stay for good.
CREATE INDEX sessions_ended ON sessions (least(expires, revoked)) WHERE tokens <> '';
