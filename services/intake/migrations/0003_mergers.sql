-- Which petitions were merged into a petition: the due date of its reply depends on theirs.

-- The petition into which a petition's event merges it. The stored bytes never change, so neither does this.
CREATE FUNCTION intake_survivor_of(state bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT convert_from(state, 'UTF8')::jsonb #>> '{data,into}'
$$;
