-- created --
-- A key that the vault has.
INSERT INTO key_ledger (kind, day, fingerprint) VALUES (%(kind)s, %(day)s, %(fingerprint)s)
ON CONFLICT (kind, day) DO NOTHING;

-- destroyed --
-- A key that is destroyed; the first note of it stays.
UPDATE key_ledger SET destroyed_at = clock_timestamp()
WHERE kind = %(kind)s AND day = %(day)s AND destroyed_at IS NULL AND %(fingerprint)s::bytea = '';
