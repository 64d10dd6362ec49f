-- newest_version --
-- The newest version of a city; null where it was never imported.
SELECT max(version) FROM city_version WHERE city = %(city)s;

-- finished_past --
-- A made past of the city that is whole and that this shard does not remember yet.
SELECT s.shard, (SELECT max(b.n) FROM batch b WHERE b.shard = s.shard)
FROM shard s
WHERE s.city = %(city)s AND s.space = 'simulated' AND s.shard <> %(shard)s
  AND EXISTS (SELECT FROM job j WHERE j.kind = 'past' AND j.state = 'done' AND j.args ->> 'shard' = s.shard::text)
  AND NOT EXISTS (SELECT FROM batch l WHERE l.shard = %(shard)s AND l.past_shard = s.shard)
ORDER BY s.shard
LIMIT 1;

-- last_time --
-- Engine time at the end of a shard's last batch, microseconds since 1970.
SELECT (extract(epoch FROM now_at) * 1000000)::bigint FROM batch WHERE shard = %(shard)s ORDER BY n DESC LIMIT 1;

-- space --
-- What kind of devices a shard's records come from.
SELECT space FROM shard WHERE shard = %(shard)s;

-- listen --
-- Be told when a city changes.
LISTEN andaman_city;
