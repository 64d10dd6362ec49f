-- retire --
-- Drop the chunks of a hypertable that end before a moment.
SELECT retire(%(relation)s, %(before)s);

-- shards --
-- Every shard.
SELECT shard FROM shard ORDER BY shard;

-- old_batches --
-- Delete a shard's first rows that are older than a moment, never its last: the numbers go on from there.
DELETE FROM batch
WHERE shard = %(shard)s
  AND n <= (SELECT max(n) FROM (SELECT n, now_at FROM batch WHERE shard = %(shard)s ORDER BY n LIMIT %(limit)s) first
            WHERE now_at < %(before)s)
  AND n < (SELECT max(n) FROM batch WHERE shard = %(shard)s);

-- old_jobs --
-- Delete ended jobs; their history goes with them.
DELETE FROM job WHERE finished_at < %(before)s;

-- old_sessions --
-- Delete sign-ins that have expired.
DELETE FROM session WHERE expires_at < clock_timestamp();
