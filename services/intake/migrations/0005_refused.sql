-- An erasure reaches refused commands too: what was kept of one goes, that and why it was refused stays.

CREATE FUNCTION erase_refused(p_ids uuid[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE refused_commands SET sealed = ''::bytea WHERE refused_id = ANY (p_ids)
$$;
REVOKE ALL ON FUNCTION erase_refused(uuid[]) FROM PUBLIC;

-- For the service, beside grant_intake.
CREATE FUNCTION grant_erasing_refused(p_role text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('GRANT EXECUTE ON FUNCTION erase_refused(uuid[]) TO %I', p_role);
END $$;
