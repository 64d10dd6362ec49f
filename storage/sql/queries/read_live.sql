-- listen --
-- Be told of new live events and of jobs.
LISTEN andaman_live;

-- listen_jobs --
-- Be told of jobs that change.
LISTEN andaman_job;

-- listen_alarms --
-- Be told of what people do about alarms.
LISTEN andaman_alarm;

-- newest_handling --
-- The number of the newest entry of what people did about alarms.
SELECT coalesce(max(id), 0) FROM alarm_handling;

-- handled --
-- Which alarms people did something about after this entry.
SELECT id, alarm FROM alarm_handling WHERE id > %(after)s ORDER BY id LIMIT %(limit)s;

-- shards --
-- The shards that people watch.
SELECT shard FROM shard WHERE space <> 'replay' ORDER BY shard;

-- position --
-- The newest live event of every shard that people watch, or the newest batch where there is none.
SELECT s.shard,
       coalesce(e.n, (SELECT max(n) FROM batch WHERE batch.shard = s.shard), 0),
       coalesce(e.i, -1)
FROM shard s
LEFT JOIN LATERAL (SELECT n, i FROM live_event WHERE live_event.shard = s.shard ORDER BY n DESC, i DESC LIMIT 1) e
    ON true
WHERE s.space <> 'replay';

-- events --
-- Live events of a shard after a place in it, in order; of an alarm the id, which leads to what people did about it.
SELECT n, i, kind, CASE kind WHEN 'alarm' THEN payload ->> 'id' END, payload::text
FROM live_event
WHERE shard = %(shard)s AND (n, i) > (%(n)s, %(i)s)
ORDER BY n, i
LIMIT %(limit)s;

-- reaches_back --
-- Whether everything after this batch is still kept: nothing after it, or the batch itself is young enough.
SELECT NOT EXISTS (SELECT FROM batch WHERE shard = %(shard)s AND n > %(n)s)
    OR coalesce((
        SELECT recorded_at > clock_timestamp() - make_interval(secs => %(kept_s)s)
        FROM batch WHERE shard = %(shard)s AND n = %(n)s
    ), %(n)s = 0 AND (
        SELECT recorded_at > clock_timestamp() - make_interval(secs => %(kept_s)s)
        FROM batch WHERE shard = %(shard)s ORDER BY n LIMIT 1
    ), false);
