-- migrations --
-- Migrations that this database has.
SELECT name FROM migration;

-- last_batch --
-- How long ago the newest batch of any shard was written, in seconds; null before the first.
SELECT extract(epoch FROM clock_timestamp() - max(b.recorded_at))::float8
FROM shard s
CROSS JOIN LATERAL (SELECT recorded_at FROM batch WHERE batch.shard = s.shard ORDER BY n DESC LIMIT 1) b;

-- shards --
-- The newest batch of every shard and its age in seconds.
SELECT s.shard, b.n, extract(epoch FROM clock_timestamp() - b.recorded_at)::float8
FROM shard s
CROSS JOIN LATERAL (SELECT n, recorded_at FROM batch WHERE batch.shard = s.shard ORDER BY n DESC LIMIT 1) b
ORDER BY s.shard;

-- records --
-- Records and rejections of a run of batches of one shard.
SELECT coalesce(sum(records), 0)::bigint, min(received_from_at), max(received_until_at)
FROM batch
WHERE shard = %(shard)s AND n > %(after)s AND n <= %(until)s;

-- records_by_kind --
-- Records of each kind in a run of batches; the receipt times find the chunks.
SELECT 'reading', count(*) FROM log_reading
WHERE shard = %(shard)s AND n > %(after)s AND n <= %(until)s AND received_at BETWEEN %(from_at)s AND %(to_at)s
UNION ALL
SELECT 'passage', count(*) FROM log_passage
WHERE shard = %(shard)s AND n > %(after)s AND n <= %(until)s AND received_at BETWEEN %(from_at)s AND %(to_at)s
UNION ALL
SELECT 'signal', count(*) FROM log_signal
WHERE shard = %(shard)s AND n > %(after)s AND n <= %(until)s AND received_at BETWEEN %(from_at)s AND %(to_at)s
UNION ALL
SELECT 'status', count(*) FROM log_status
WHERE shard = %(shard)s AND n > %(after)s AND n <= %(until)s AND received_at BETWEEN %(from_at)s AND %(to_at)s;

-- rejects --
-- Rejections by reason in a run of batches of one shard.
SELECT entry ->> 'reason', sum((entry ->> 'count')::bigint)::bigint
FROM batch, jsonb_array_elements(rejects) entry
WHERE shard = %(shard)s AND n > %(after)s AND n <= %(until)s
GROUP BY 1;

-- alarms --
-- Active alarms by priority.
SELECT priority, count(*) FROM alarm_current WHERE condition = 'active' GROUP BY priority;

-- jobs --
-- Jobs by state.
SELECT state, count(*) FROM job GROUP BY state;
