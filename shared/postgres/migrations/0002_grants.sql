-- Who may do what with an event store. Its owner migrates and nothing else; the service and the auditors get this much.
-- A migration that brings a table replaces the function that grants it, and `doithoai migrate` calls it again.

REVOKE ALL ON FUNCTION
    append_events,
    state_complete(),
    move_clock(timestamptz)
FROM PUBLIC;

-- For a service: it reads its store, and writes through the functions alone.
CREATE FUNCTION grant_recording(p_role text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('GRANT SELECT ON stored_events, store_state, idempotency_keys, external_references, sealing_keys, '
        'leases, relay_position TO %I', p_role);
    EXECUTE format('GRANT UPDATE (source, epoch, fingerprint) ON store_state TO %I', p_role);
    EXECUTE format('GRANT INSERT, UPDATE ON leases, relay_position TO %I', p_role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION append_events, state_complete, move_clock TO %I', p_role);
END $$;

-- For auditors: the events, as any reader of the five columns of the `eventsourcing` layout takes them.
CREATE FUNCTION grant_auditing(p_role text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('GRANT SELECT ON stored_events TO %I', p_role);
END $$;
