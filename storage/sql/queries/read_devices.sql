-- heard --
-- When each device was heard last, by its own event time, and in which shard.
SELECT DISTINCT ON (device) device, event_at, shard
FROM (
    SELECT device, max(event_at) AS event_at, shard FROM latest_value GROUP BY device, shard
    UNION ALL
    SELECT device, max(event_at), shard FROM latest_record GROUP BY device, shard
) spoken
ORDER BY device, event_at DESC;

-- silent --
-- Devices with an active alarm about their silence.
SELECT DISTINCT device FROM alarm_current WHERE kind = 'silence' AND condition = 'active' AND device >= 0;

-- now --
-- The engine's time of every shard, and how long ago the newest batch was written.
SELECT s.shard, b.now_at, extract(epoch FROM clock_timestamp() - b.recorded_at)::float8
FROM shard s
CROSS JOIN LATERAL (
    SELECT now_at, recorded_at FROM batch WHERE batch.shard = s.shard ORDER BY n DESC LIMIT 1
) b;

-- latest_values --
-- The newest value of these devices' series; a null metric asks for all.
SELECT device, metric, lane, event_at, nullif(value, 'NaN')
FROM latest_value
WHERE device = ANY(%(devices)s) AND (%(metrics)s::smallint[] IS NULL OR metric = ANY(%(metrics)s))
ORDER BY device, metric, lane;

-- latest_records --
-- The newest record of each kind of these devices.
SELECT device, kind, key, event_at, content
FROM latest_record
WHERE device = ANY(%(devices)s)
ORDER BY device, kind, key;

-- windows --
-- Windows in force of a series at a width in a time range, a row a start and lane; where two shards hold one, the younger's.
SELECT start_at, lane, count, nullif(mean, 'NaN'), nullif(min, 'NaN'), nullif(max, 'NaN'), nullif(sd, 'NaN'),
       nullif(median, 'NaN'), nullif(p85, 'NaN'), nullif(p95, 'NaN'), nullif(last, 'NaN'),
       nullif(completeness, 'NaN'), revision, nullif(added, -1)
FROM (
    SELECT DISTINCT ON (w.start_at, w.lane) w.*
    FROM window_current w
    JOIN shard s ON s.shard = w.shard AND s.space <> 'replay'
    WHERE w.device = ANY(%(devices)s) AND w.metric = ANY(%(metrics)s) AND w.width_s = %(width_s)s
      AND (%(lane)s::smallint IS NULL OR w.lane = %(lane)s)
      AND w.start_at >= %(from_at)s AND w.start_at < %(to_at)s
    ORDER BY w.start_at, w.lane, w.shard DESC
) chosen
WHERE %(after_at)s::timestamptz IS NULL OR (start_at, lane) > (%(after_at)s, %(after_lane)s)
ORDER BY start_at, lane
LIMIT %(limit)s;

-- rear_views --
-- Motorcycles seen from the front only and the cases lost by it, by camera, over the hours in force of a time range.
SELECT device, sum(count)::bigint, sum(nullif(last, 'NaN'))::bigint
FROM (
    SELECT DISTINCT ON (w.device, w.start_at) w.*
    FROM window_current w
    JOIN shard s ON s.shard = w.shard AND s.space <> 'replay'
    WHERE w.metric = ANY(%(metrics)s) AND w.width_s = 3600
      AND w.start_at >= %(from_at)s AND w.start_at < %(to_at)s
    ORDER BY w.device, w.start_at, w.shard DESC
) hours
GROUP BY device
ORDER BY 3 DESC, 2 DESC, 1;

-- late --
-- Records that came too late for what is made of records in order, the latest event first.
SELECT l.kind, l.device, l.event_at, b.now_at
FROM late l
JOIN shard s ON s.shard = l.shard AND s.space <> 'replay'
LEFT JOIN batch b ON b.shard = l.shard AND b.n = l.n
WHERE (%(devices)s::int[] IS NULL OR l.device = ANY(%(devices)s))
  AND (%(from_at)s::timestamptz IS NULL OR l.event_at >= %(from_at)s)
  AND (%(to_at)s::timestamptz IS NULL OR l.event_at < %(to_at)s)
ORDER BY l.event_at DESC, l.shard, l.n DESC, l.place
LIMIT %(limit)s;
