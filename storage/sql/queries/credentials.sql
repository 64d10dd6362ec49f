-- credentials --
-- The credential in force of every device that has one of its own.
SELECT DISTINCT ON (device) device, zone, hash FROM device_credential WHERE city = %(city)s ORDER BY device, id DESC;

-- credential --
-- The credential in force of a device.
SELECT zone, hash FROM device_credential WHERE city = %(city)s AND device = %(device)s ORDER BY id DESC LIMIT 1;

-- give --
-- A device's next credential; a null hash revokes.
INSERT INTO device_credential (city, device, zone, hash, made_by)
VALUES (%(city)s, %(device)s, %(zone)s, %(hash)s, %(by)s)
RETURNING id;

-- wanted --
-- What the broker of a city should have: the newest version and the last credential.
SELECT coalesce((SELECT max(version) FROM city_version WHERE city = %(city)s), 0),
       coalesce((SELECT max(id) FROM device_credential WHERE city = %(city)s), 0);

-- taken --
-- What the broker of a city has.
SELECT version, credential FROM broker_accounts WHERE city = %(city)s;

-- take --
-- Note what the broker of a city has.
INSERT INTO broker_accounts (city, version, credential) VALUES (%(city)s, %(version)s, %(credential)s)
ON CONFLICT (city) DO UPDATE
SET version = excluded.version, credential = excluded.credential, recorded_at = clock_timestamp();

-- newest_batch --
-- The last batch of a city's live or simulated log: the latest by engine time, for a past that is being made is written
-- just now as well.
SELECT b.shard, b.n FROM shard s
CROSS JOIN LATERAL (SELECT shard, n, now_at FROM batch WHERE batch.shard = s.shard ORDER BY n DESC LIMIT 1) b
WHERE s.city = %(city)s AND s.space <> 'replay'
ORDER BY b.now_at DESC
LIMIT 1;

-- in_force --
-- The version of the city that a batch after that one put in force.
SELECT max(config) FROM batch WHERE shard = %(shard)s AND n > %(n)s;

-- listen --
-- Be woken when a city or a credential changes.
LISTEN andaman_city;
