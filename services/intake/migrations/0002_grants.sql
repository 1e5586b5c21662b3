-- For the service: what the event store grants, and the tables beside it, which only grow.
CREATE FUNCTION grant_intake(p_role text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM grant_recording(p_role);
    EXECUTE format('GRANT SELECT, INSERT ON refused_commands, content_reads TO %I', p_role);
END $$;
