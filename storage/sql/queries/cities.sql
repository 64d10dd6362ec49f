-- newest --
-- The current version of a city.
SELECT content::text FROM city_version WHERE city = %(city)s ORDER BY version DESC LIMIT 1;

-- version --
-- One version of a city.
SELECT content::text FROM city_version WHERE city = %(city)s AND version = %(version)s;

-- names --
-- Every city.
SELECT DISTINCT city FROM city_version ORDER BY city;

-- lock --
-- One new version at a time: numbers are given once.
SELECT pg_advisory_xact_lock(hashtext('andaman.city'));

-- numbers --
-- Numbers that devices of a city have or had.
SELECT id, no FROM device WHERE city = %(city)s;

-- highest --
-- The highest number that any device has or had.
SELECT coalesce(max(no), 0) FROM device;

-- add --
-- Keep a version.
INSERT INTO city_version (city, version, content, made_by)
VALUES (%(city)s, %(version)s, %(content)s::jsonb, %(made_by)s);

-- register --
-- Keep the numbers of new devices.
INSERT INTO device (no, city, id, first_version)
SELECT (entry ->> 0)::int, %(city)s, entry ->> 1, %(version)s
FROM jsonb_array_elements(%(devices)s::jsonb) entry
ON CONFLICT (city, id) DO NOTHING;

-- tell --
-- Wake who follows a city, at the commit.
SELECT pg_notify('andaman_city', %(city)s);
