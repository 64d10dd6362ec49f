-- versions --
-- The newest version of every city and how many devices are registered: says whether what is in memory is still true.
SELECT c.city, max(c.version), (SELECT count(*) FROM device d WHERE d.city = c.city)
FROM city_version c
GROUP BY c.city
ORDER BY c.city;

-- contents --
-- The newest version of every city, whole.
SELECT city, version, content::text FROM city_current ORDER BY city;

-- spaces --
-- Where each city's data come from now: the space of the shard that was written last.
SELECT DISTINCT ON (s.city) s.city, s.space
FROM shard s
LEFT JOIN LATERAL (SELECT recorded_at FROM batch WHERE batch.shard = s.shard ORDER BY n DESC LIMIT 1) b ON true
WHERE s.space <> 'replay'
ORDER BY s.city, b.recorded_at DESC NULLS LAST;

-- registry --
-- Every device that was ever registered.
SELECT no, city, id FROM device;
