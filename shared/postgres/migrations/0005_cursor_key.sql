-- Under which the store signs the cursors of its feed: all of its processes take each other's, and a restored store its own.
ALTER TABLE store_state ADD COLUMN cursor_key bytea NOT NULL DEFAULT uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
