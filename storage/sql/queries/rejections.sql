-- list --
-- What was rejected, the latest first, with what became of it; without the bytes, which may hold a plate.
SELECT r.shard, r.n, r.i, r.reason, r.detail, r.topic, r.device, r.received_at, r.count, greatest(octet_length(r.payload) - %(seal)s, 0),
       f.outcome, f.reason, f.detail, f.decided_at
FROM rejection r
LEFT JOIN rejection_fate f USING (shard, n, i)
WHERE (%(reason)s::text IS NULL OR r.reason = %(reason)s)
  AND (%(device)s::text IS NULL OR r.device = ANY(%(devices)s) OR split_part(r.topic, '/', 5) = %(device)s)
  AND (%(from_at)s::timestamptz IS NULL OR r.received_at >= %(from_at)s)
  AND (%(to_at)s::timestamptz IS NULL OR r.received_at < %(to_at)s)
ORDER BY r.received_at DESC, r.shard, r.n DESC, r.i DESC
LIMIT %(limit)s;

-- counts --
-- How many of what reason from which device, from when to when, and what became of those that were fed in again.
SELECT r.reason, r.device, sum(r.count)::bigint, min(r.received_at), max(r.received_at),
       count(*) FILTER (WHERE f.outcome = 'accepted'), count(*) FILTER (WHERE f.outcome = 'rejected'),
       count(*) FILTER (WHERE f.outcome = 'unreadable'),
       count(*) FILTER (WHERE r.reason <> ALL (%(never)s) AND octet_length(r.payload) > %(seal)s
                              AND f.outcome IS DISTINCT FROM 'accepted' AND f.outcome IS DISTINCT FROM 'unreadable')
FROM rejection r
LEFT JOIN rejection_fate f USING (shard, n, i)
WHERE (%(reason)s::text IS NULL OR r.reason = %(reason)s)
  AND (%(device)s::text IS NULL OR r.device = ANY(%(devices)s) OR split_part(r.topic, '/', 5) = %(device)s)
  AND (%(from_at)s::timestamptz IS NULL OR r.received_at >= %(from_at)s)
  AND (%(to_at)s::timestamptz IS NULL OR r.received_at < %(to_at)s)
GROUP BY r.reason, r.device
ORDER BY 3 DESC, r.reason, r.device
LIMIT %(limit)s;

-- bytes --
-- The sealed bytes of one rejection.
SELECT topic, payload, payload_day FROM rejection WHERE shard = %(shard)s AND n = %(n)s AND i = %(i)s LIMIT 1;

-- waiting --
-- Rejections that can be fed in again and were not accepted yet, in the order in which they came, after one of them.
SELECT r.n, r.i, r.reason, r.topic, r.payload, r.payload_day, r.received_at, r.boot
FROM rejection r
LEFT JOIN rejection_fate f USING (shard, n, i)
WHERE r.shard = %(shard)s AND r.received_at < %(before_at)s
  AND r.reason <> ALL (%(never)s) AND octet_length(r.payload) > %(seal)s
  AND f.outcome IS DISTINCT FROM 'accepted' AND f.outcome IS DISTINCT FROM 'unreadable'
  AND (%(reason)s::text IS NULL OR r.reason = %(reason)s)
  AND (%(device)s::text IS NULL OR r.device = ANY(%(devices)s) OR split_part(r.topic, '/', 5) = %(device)s)
  AND (%(from_at)s::timestamptz IS NULL OR r.received_at >= %(from_at)s)
  AND (%(to_at)s::timestamptz IS NULL OR r.received_at < %(to_at)s)
  AND r.received_at >= %(after_at)s AND (r.received_at, r.n, r.i) > (%(after_at)s, %(after_n)s, %(after_i)s)
ORDER BY r.received_at, r.n, r.i
LIMIT %(limit)s;

-- since --
-- Rejections of these topics that came after a batch.
SELECT n, i, reason, detail, topic, payload, payload_day
FROM rejection
WHERE shard = %(shard)s AND n > %(n)s AND received_at >= %(from_at)s AND topic = ANY (%(topics)s)
ORDER BY n, i
LIMIT %(limit)s;

-- settled --
-- Numbers that were settled by a rejection; a superset, the caller compares.
SELECT device, boot, seq FROM rejection
WHERE shard = %(shard)s AND boot > 0 AND device = ANY (%(device)s) AND seq = ANY (%(seq)s);

-- numbers --
-- The numbers that a device's name stands for: one a city that has or had it.
SELECT no FROM device WHERE id = %(device)s;

-- decide --
-- What became of a rejection that was fed in again.
INSERT INTO rejection_fate AS f (shard, n, i, received_at, outcome, reason, detail, job)
SELECT %(shard)s, r.n, r.i, r.received_at, r.outcome, r.reason, r.detail, %(job)s
FROM jsonb_to_recordset(%(rows)s::jsonb) r (
    n bigint, i int, received_at timestamptz, outcome text, reason text, detail text)
ON CONFLICT (shard, n, i) DO UPDATE
SET outcome = excluded.outcome, reason = excluded.reason, detail = excluded.detail, job = excluded.job,
    decided_at = excluded.decided_at
WHERE f.outcome <> 'accepted';
