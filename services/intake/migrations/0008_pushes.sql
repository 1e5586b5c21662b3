-- How far each pushed record is known. What a push recorded says its version in the log; here stands what no event
-- says: that a later version brought nothing new, and which one was last found alike with the petition up to which
-- event of it.
CREATE TABLE push_versions (
    source         text        NOT NULL,
    external_id    text        NOT NULL,
    source_version text        NOT NULL,
    alike_version  text        NOT NULL DEFAULT '',
    alike_at       integer     NOT NULL DEFAULT 0,
    pushed_at      timestamptz NOT NULL DEFAULT store_now(),
    PRIMARY KEY (source, external_id)
);

-- What a push would have changed against the office: kept, sealed, until an official accepts or refuses it.
CREATE TABLE conflicts (
    conflict_id    uuid        PRIMARY KEY,
    petition_id    uuid        NOT NULL,
    jurisdiction   text        NOT NULL,
    source         text        NOT NULL,
    external_id    text        NOT NULL,
    source_version text        NOT NULL,
    fields         text[]      NOT NULL,
    sealed         bytea       NOT NULL,  -- empty once the petitioners were erased
    state          text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'accepted', 'refused', 'superseded')),
    pushed_at      timestamptz NOT NULL DEFAULT store_now(),
    decided_by     text        NOT NULL DEFAULT '',
    decided_at     timestamptz,
    UNIQUE (source, external_id, source_version)
);
CREATE INDEX conflicts_petition ON conflicts (petition_id);
CREATE INDEX conflicts_open ON conflicts (pushed_at, conflict_id) WHERE state = 'open';

-- For the service, beside grant_intake.
CREATE FUNCTION grant_pushes(p_role text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('GRANT SELECT, INSERT ON push_versions, conflicts TO %I', p_role);
    EXECUTE format('GRANT UPDATE (source_version, alike_version, alike_at, pushed_at) ON push_versions TO %I', p_role);
    EXECUTE format('GRANT UPDATE (state, decided_by, decided_at, sealed) ON conflicts TO %I', p_role);
END $$;
