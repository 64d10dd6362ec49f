-- versions --
-- The newest version of every city and how many devices are registered: says whether what is in memory is still true.
SELECT c.city, max(c.version), (SELECT count(*) FROM device d WHERE d.city = c.city)
FROM city_version c
GROUP BY c.city
ORDER BY c.city;

-- contents --
-- The newest version of every city, whole.
SELECT city, version, content::text FROM city_current ORDER BY city;

-- registry --
-- Every device that was ever registered.
SELECT no, city, id FROM device;
