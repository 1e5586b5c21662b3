-- Cases are searched by title, codes and agency, and listed in other orders; the next migration fills the columns and adds the
-- indexes.
ALTER TABLE projection.cases
    ADD COLUMN searched jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN found tsvector NOT NULL DEFAULT '',
    ADD COLUMN title_order text COLLATE "C" NOT NULL DEFAULT '';
\ir ../projection.sql
