-- Under which master key the store seals: what tells it from others, and nothing of it. The first process of intake that
-- starts on the store writes it; from then on no other key is taken.
CREATE TABLE master_key (
    singleton   boolean     PRIMARY KEY DEFAULT true CHECK (singleton),
    fingerprint text        NOT NULL,
    bound_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- For the service, beside grant_intake.
CREATE FUNCTION grant_master_key(p_role text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('GRANT SELECT, INSERT ON master_key TO %I', p_role);
END $$;
