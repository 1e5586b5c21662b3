-- The key of a command whose external reference was known already: it is kept like that of a recorded one, so that the
-- same key with another body is refused, and a retry gets the same answer (200, nothing new).
ALTER TABLE idempotency_keys ADD COLUMN known_reference boolean NOT NULL DEFAULT false;

-- Keep a key for an event that stands. What the key was used for before stays, and whoever calls reads it.
CREATE FUNCTION keep_known_reference(
    p_caller text, p_key text, p_fingerprint bytea, p_originator_id uuid, p_version bigint
) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO idempotency_keys
        (caller, key, fingerprint, originator_id, originator_version, notification_id, known_reference)
    SELECT p_caller, p_key, p_fingerprint, originator_id, originator_version, notification_id, true
    FROM stored_events WHERE originator_id = p_originator_id AND originator_version = p_version
    ON CONFLICT (caller, key) DO NOTHING
$$;
REVOKE ALL ON FUNCTION keep_known_reference FROM PUBLIC;

CREATE OR REPLACE FUNCTION grant_recording(p_role text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('GRANT SELECT ON stored_events, store_state, idempotency_keys, external_references, sealing_keys, '
        'leases, relay_position TO %I', p_role);
    EXECUTE format('GRANT UPDATE (source, epoch, fingerprint) ON store_state TO %I', p_role);
    EXECUTE format('GRANT INSERT, UPDATE ON leases, relay_position TO %I', p_role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION append_events, state_complete, move_clock, keep_known_reference TO %I',
        p_role);
END $$;
