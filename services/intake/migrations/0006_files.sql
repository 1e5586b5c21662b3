-- The files behind the digests that events name. Their sealed bytes lie in a folder; here are their keys and what they are.

-- An uploaded file. Its key is wrapped under the master key until a recorded event names it; from then on only the keys
-- in `file_keys` open it. What has no key that opens it, and what no event has named in time, is dropped.
CREATE TABLE files (
    stored_name text        PRIMARY KEY,                             -- the SHA-256 of the sealed bytes
    digest      text        NOT NULL,                                -- the SHA-256 of the file itself, as events name it
    size        bigint      NOT NULL,                                -- of the file itself, in bytes
    media_type  text        NOT NULL,
    name        bytea       NOT NULL,                                -- as it was uploaded, sealed under the file's key
    wrapped     bytea,                                               -- the file's key under the master key
    uploaded_by text        NOT NULL,                                -- the caller: nobody else's command names it
    uploaded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    wanted_at   timestamptz NOT NULL DEFAULT clock_timestamp(),      -- the last upload, or the last try to name it
    dropped_at  timestamptz,                                         -- nobody reads it any more
    removed     boolean     NOT NULL DEFAULT false                   -- its sealed bytes are gone from the folder, too
);
CREATE UNIQUE INDEX files_of_uploader ON files (digest, uploaded_by) WHERE dropped_at IS NULL;
CREATE INDEX files_unnamed ON files (wanted_at) WHERE wrapped IS NOT NULL;
CREATE INDEX files_to_remove ON files (dropped_at) WHERE dropped_at IS NOT NULL AND NOT removed;

-- A file's key under a sealing key, written before the event that names the file is recorded. It counts once the event is
-- there, and opens while the sealing key is: an erasure, which deletes that, reaches the file with the event's own words.
CREATE TABLE file_keys (
    stored_name   text        NOT NULL REFERENCES files,
    event_id      uuid        NOT NULL,
    originator_id uuid        NOT NULL,
    key_id        uuid        NOT NULL,
    wrapped       bytea       NOT NULL,
    named_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    recorded      boolean     NOT NULL DEFAULT false,                -- the event was found recorded
    PRIMARY KEY (stored_name, event_id, key_id)
);
CREATE INDEX file_keys_originator ON file_keys (originator_id);
CREATE INDEX file_keys_unrecorded ON file_keys (named_at) WHERE NOT recorded;

-- For the service, beside grant_intake.
CREATE FUNCTION grant_files(p_role text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON files, file_keys TO %I', p_role);
END $$;
