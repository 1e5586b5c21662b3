-- At a midnight thousands of deadlines fall due at one instant: their order is read from the index, not sorted anew for
-- each chunk.
ALTER FUNCTION create_projection(text) RENAME TO create_projection_0001;

CREATE FUNCTION order_timers(p_schema text) RETURNS void LANGUAGE plpgsql AS $order$
BEGIN
    EXECUTE format('DROP INDEX %I.deadlines_timers', p_schema);
    EXECUTE format('CREATE INDEX deadlines_timers ON %I.deadlines (source, next_fire_at, deadline_id) '
                   'WHERE next_fire_at IS NOT NULL', p_schema);
END $order$;

CREATE FUNCTION create_projection(p_schema text) RETURNS void LANGUAGE plpgsql AS $create$
BEGIN
    PERFORM create_projection_0001(p_schema);
    PERFORM order_timers(p_schema);
END $create$;

SELECT order_timers('projection');
