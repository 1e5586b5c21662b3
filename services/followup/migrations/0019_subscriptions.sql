-- Who is sent which events over HTTP, how far, and what became of it. None of it is an event of a case.
-- The service may delete nothing: of a subscription that was deleted the secrets are blanked.
CREATE TABLE subscriptions (
    subscription_id uuid        PRIMARY KEY,
    owner           text        NOT NULL,
    rights          bytea       NOT NULL, -- JSON: what the owner could see when it last wrote this
    sink            text        NOT NULL,
    wanted          bytea       NOT NULL, -- JSON: which events
    sealed          bytea       NOT NULL, -- secrets and headers, under a key file
    status          text        NOT NULL CHECK (status IN ('unverified', 'active', 'paused', 'disabled', 'deleted')),
    reason          text        NOT NULL DEFAULT '',
    rate            integer,              -- deliveries a minute that the sink allows; null: any
    failures        integer     NOT NULL DEFAULT 0,
    failing_since   timestamptz,
    next_attempt_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    moved_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts        bigint      NOT NULL DEFAULT 0,
    created         timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Grows with every change: a delivery that is under way by the old one keeps nothing.
    revision        bigint      NOT NULL DEFAULT 1
);
CREATE INDEX subscriptions_owner ON subscriptions (owner);
CREATE INDEX subscriptions_active ON subscriptions (next_attempt_at) WHERE status = 'active';

-- How far each log was delivered; a log without a row is delivered from its beginning.
CREATE TABLE subscription_cursors (
    subscription_id uuid   NOT NULL REFERENCES subscriptions,
    log             text   NOT NULL,
    epoch           text   NOT NULL,
    position        bigint NOT NULL,
    event_id        uuid,
    recorded_at     timestamptz,
    PRIMARY KEY (subscription_id, log)
);

-- The last attempts of each subscription: a new one takes the place of the oldest.
CREATE TABLE webhook_attempts (
    subscription_id uuid        NOT NULL REFERENCES subscriptions,
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

-- Who changed what, of one subscription.
CREATE TABLE subscription_changes (
    subscription_id uuid        NOT NULL REFERENCES subscriptions,
    revision        bigint      NOT NULL,
    at              timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_by      text        NOT NULL,
    what            text        NOT NULL,
    PRIMARY KEY (subscription_id, revision)
);
