-- last_batch --
-- Number of a shard's last batch.
SELECT n FROM batch WHERE shard = %(shard)s ORDER BY n DESC LIMIT 1;

-- in_force --
-- Whether a shard's log has put a version of a city, or a later one, in force; or begins after it, cut by retention.
SELECT EXISTS (SELECT FROM batch WHERE shard = %(shard)s AND config >= %(version)s)
    OR EXISTS (
        SELECT FROM (SELECT n, recorded_at FROM batch WHERE shard = %(shard)s ORDER BY n LIMIT 1) first, city_version v
        WHERE v.city = %(city)s AND v.version = %(version)s AND first.n > 1 AND v.recorded_at < first.recorded_at
    );

-- batches --
-- Entries of the log after a number, in order.
SELECT n, since_at, now_at, records, received_from_at, received_until_at, gaps::text, config, past_shard, past_n,
       rejects::text, notices::text
FROM batch
WHERE shard = %(shard)s AND n > %(n)s AND n <= coalesce(%(until)s::bigint, 9223372036854775807)
ORDER BY n
LIMIT %(limit)s;

-- seen_reading --
-- Readings by identity; a superset, the caller compares.
SELECT device, boot, seq, part, digest FROM log_reading
WHERE shard = %(shard)s AND seq = ANY (%(seq)s) AND device = ANY (%(device)s)
  AND received_at >= %(since)s;

-- seen_passage --
-- Passages by identity; a superset, the caller compares.
SELECT device, boot, seq, part, digest FROM log_passage
WHERE shard = %(shard)s AND seq = ANY (%(seq)s) AND device = ANY (%(device)s)
  AND received_at >= %(since)s;

-- seen_signal --
-- Phase changes by identity; a superset, the caller compares.
SELECT device, boot, seq, part, digest FROM log_signal
WHERE shard = %(shard)s AND seq = ANY (%(seq)s) AND device = ANY (%(device)s)
  AND received_at >= %(since)s;

-- seen_status --
-- Statuses by identity; a superset, the caller compares.
SELECT device, boot, seq, part, digest FROM log_status
WHERE shard = %(shard)s AND seq = ANY (%(seq)s) AND device = ANY (%(device)s)
  AND received_at >= %(since)s;
