-- followup runs as a role that owns neither its event log nor what it keeps beside it; `doithoai migrate` grants it this.

CREATE FUNCTION grant_followup(p_role text) RETURNS void LANGUAGE plpgsql AS $grant$
DECLARE
    v_table name;
    v_schema name;
BEGIN
    PERFORM grant_recording(p_role);
    -- Every table beside the log and its migrations is followup's own bookkeeping, also one that a later migration makes.
    FOR v_table IN
        SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN ('stored_events', 'store_state',
            'idempotency_keys', 'external_references', 'sealing_keys', 'leases', 'relay_position', 'schema_migrations')
    LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON public.%I TO %I', v_table, p_role);
    END LOOP;
    -- What can be folded again belongs to the service: a rebuild makes those tables anew and swaps them in.
    EXECUTE format('GRANT CREATE ON DATABASE %I TO %I', current_database(), p_role);
    FOR v_schema IN
        SELECT nspname FROM pg_namespace WHERE nspname IN ('projection', 'projection_rebuild', 'projection_old')
    LOOP
        IF (SELECT r.rolname <> p_role FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner
            WHERE n.nspname = v_schema) THEN
            EXECUTE format('ALTER SCHEMA %I OWNER TO %I', v_schema, p_role);
        END IF;
        FOR v_table IN
            SELECT tablename FROM pg_tables WHERE schemaname = v_schema AND tableowner <> p_role
        LOOP
            EXECUTE format('ALTER TABLE %I.%I OWNER TO %I', v_schema, v_table, p_role);
        END LOOP;
    END LOOP;
END $grant$;
