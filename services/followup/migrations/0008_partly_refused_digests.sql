-- Addresses of a body that its mail server refused while it took the others: they are offered the digest again, the
-- others are not. A key of each is kept, made of the digest and the address, and no address.
ALTER TABLE sent_digests ADD COLUMN refused uuid[] NOT NULL DEFAULT '{}';
CREATE INDEX sent_digests_refused ON sent_digests (source, recipient, day) WHERE refused <> '{}';
