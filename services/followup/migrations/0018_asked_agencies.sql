-- An agency finds the petitions that were forwarded to it, and those that it owed something on; the next migration adds the
-- indexes.
\ir ../projection.sql
