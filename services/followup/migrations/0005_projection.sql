-- One function makes the projection's tables, from one file; the chain of functions that wrapped one another goes.
\ir ../projection.sql

DROP FUNCTION create_projection_0001(text);
DROP FUNCTION order_timers(text);
