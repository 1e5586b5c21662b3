-- Whether the writer could not do what an operator asked: the command line fails then.
ALTER TABLE requests ADD COLUMN failed boolean NOT NULL DEFAULT false;
