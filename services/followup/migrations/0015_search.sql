-- Cases are searched by title, codes and agency, and listed in other orders; an agency finds the petitions that were forwarded to
-- it, and those that it owed something on. The next migration fills the columns and adds the indexes.
ALTER TABLE projection.cases
    ADD COLUMN searched jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN found tsvector NOT NULL DEFAULT '',
    ADD COLUMN title_order text COLLATE "C" NOT NULL DEFAULT '';
\ir ../projection.sql
