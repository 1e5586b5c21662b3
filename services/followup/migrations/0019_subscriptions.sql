-- Who is sent which events over HTTP, how far, and what became of it. None of it is an event of a case.
-- Of a subscription that was deleted the secrets are blanked at once; who changed what stays for some weeks.
CREATE TABLE subscriptions (
    subscription_id uuid        PRIMARY KEY,
    owner           text        NOT NULL,
    rights          bytea       NOT NULL, -- JSON: what the owner could see when it last wrote this
    sink            text        NOT NULL,
    wanted          bytea       NOT NULL, -- JSON: which events
    sealed          bytea       NOT NULL, -- secrets and headers, under a key file
    status          text        NOT NULL CHECK (status IN ('unverified', 'active', 'paused', 'disabled', 'deleted')),
    reason          text        NOT NULL DEFAULT '',
    is_verified     boolean     NOT NULL DEFAULT false, -- the sink that it has now has consented
    rate            integer,              -- deliveries a minute that the sink allows; null: any
    attempts        bigint      NOT NULL DEFAULT 0,
    created         timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed         timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Grows with every change: a delivery that is under way by the old one keeps nothing.
    revision        bigint      NOT NULL DEFAULT 1
);
CREATE INDEX subscriptions_owner ON subscriptions (owner);

-- How far each log was delivered, and since when its next event is not taken; a log without a row is delivered from its
-- beginning.
CREATE TABLE subscription_cursors (
    subscription_id uuid        NOT NULL REFERENCES subscriptions ON DELETE CASCADE,
    log             text        NOT NULL,
    epoch           text        NOT NULL,
    position        bigint      NOT NULL,
    event_id        uuid,
    recorded_at     timestamptz,
    moved_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    failures        integer     NOT NULL DEFAULT 0,
    failing_since   timestamptz,
    next_attempt_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (subscription_id, log)
);

-- The last attempts of each subscription: a new one takes the place of the oldest.
CREATE TABLE webhook_attempts (
    subscription_id uuid        NOT NULL REFERENCES subscriptions ON DELETE CASCADE,
    slot            integer     NOT NULL,
    at              timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind            text        NOT NULL,
    verdict         text        NOT NULL,
    status          integer     NOT NULL,
    why             text        NOT NULL,
    milliseconds    integer     NOT NULL,
    log             text        NOT NULL,
    position        bigint      NOT NULL,
    event_id        uuid,
    type            text        NOT NULL,
    PRIMARY KEY (subscription_id, slot)
);
CREATE INDEX webhook_attempts_event ON webhook_attempts (subscription_id, event_id);

-- Who changed what, of one subscription: the last changes, as with the attempts.
CREATE TABLE subscription_changes (
    subscription_id uuid        NOT NULL REFERENCES subscriptions ON DELETE CASCADE,
    slot            integer     NOT NULL,
    revision        bigint      NOT NULL,
    at              timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_by      text        NOT NULL,
    what            text        NOT NULL,
    PRIMARY KEY (subscription_id, slot)
);

-- The service drops what was deleted long ago; with a subscription goes all that is kept of it.
CREATE FUNCTION grant_webhooks(p_role text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('GRANT DELETE ON public.subscriptions TO %I', p_role);
END $$;
