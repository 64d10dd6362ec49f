-- proposals --
-- Unknown devices of a city, the latest first.
SELECT device, zone, first_at, last_at, count, kinds, series::text, unknown_metrics, lon, lat, dismissed_at, dismissed_by
FROM proposal
WHERE city = %(city)s AND (%(dismissed)s OR dismissed_at IS NULL) AND (%(device)s::text IS NULL OR device = %(device)s)
ORDER BY last_at DESC, device;

-- dismiss --
-- Hide a proposal until the device says something new.
UPDATE proposal SET dismissed_at = clock_timestamp(), dismissed_by = %(by)s
WHERE city = %(city)s AND device = %(device)s
RETURNING device;

-- settle --
-- A device is in the city now, so nothing is proposed any more.
DELETE FROM proposal WHERE city = %(city)s AND device = %(device)s;
