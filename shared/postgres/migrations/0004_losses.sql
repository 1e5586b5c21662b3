-- What was acknowledged and the log has no more: a fail-over to a standby that did not have it, or a restore. In intake's
-- store commands, missed by the process that has answered them; in followup's, events of a source, missed by their reader.
-- An operator confirms that they were seen to.
CREATE TABLE losses (
    loss_id        uuid        PRIMARY KEY,                             -- the id of the newest event that is missing
    source         text        NOT NULL,
    epoch          text        NOT NULL,                                -- of the log that lacks them
    agrees_to      bigint      NOT NULL,                                -- the last position known to be as it was
    first_position bigint      NOT NULL,                                -- where they stood
    last_position  bigint      NOT NULL,
    missing        bigint      NOT NULL,                                -- so many commands or events are known to be lost
    event_ids      uuid[]      NOT NULL,                                -- of the commands the first events, as far as known
    found_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    confirmed_at   timestamptz,
    confirmed_by   text
);
CREATE INDEX losses_unconfirmed ON losses (found_at) WHERE confirmed_at IS NULL;

CREATE OR REPLACE FUNCTION grant_recording(p_role text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('GRANT SELECT ON stored_events, store_state, idempotency_keys, external_references, sealing_keys, '
        'leases, relay_position, losses TO %I', p_role);
    EXECUTE format('GRANT UPDATE (source, epoch, fingerprint) ON store_state TO %I', p_role);
    EXECUTE format('GRANT INSERT, UPDATE ON leases, relay_position TO %I', p_role);
    EXECUTE format('GRANT INSERT, UPDATE (confirmed_at, confirmed_by) ON losses TO %I', p_role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION append_events, state_complete, move_clock, keep_known_reference TO %I',
        p_role);
END $$;
