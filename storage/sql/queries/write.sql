-- take_shard --
-- Begin a new epoch of a shard, making it where it is new; no row where it is another city's or space's.
INSERT INTO shard AS s (shard, city, space, epoch) VALUES (%(shard)s, %(city)s, %(space)s, 1)
ON CONFLICT (shard) DO UPDATE SET epoch = s.epoch + 1 WHERE s.city = excluded.city AND s.space = excluded.space
RETURNING epoch;

-- lock_shard --
-- One pipeline at a time takes a shard.
SELECT pg_advisory_xact_lock(hashtext('andaman.shard'), %(shard)s);

-- fence --
-- The shard's epoch, held until the commit: a newer pipeline waits for it, an older one finds another number.
SELECT epoch FROM shard WHERE shard = %(shard)s FOR SHARE;

-- batch --
-- The log's entry of a batch.
INSERT INTO batch (shard, n, epoch, since_at, now_at, records, received_from_at, received_until_at,
                   gaps, config, past_shard, past_n, rejects, notices)
VALUES (%(shard)s, %(n)s, %(epoch)s, %(since_at)s, %(now_at)s, %(records)s, %(received_from_at)s, %(received_until_at)s,
        %(gaps)s::jsonb, %(config)s, %(past_shard)s, %(past_n)s, %(rejects)s::jsonb, %(notices)s::jsonb);

-- settle --
-- Whose batch this is, if it is there: what became of a commit in doubt.
SELECT (SELECT epoch FROM shard WHERE shard = %(shard)s), (SELECT epoch FROM batch WHERE shard = %(shard)s AND n = %(n)s);

-- latest_value --
-- The newest values, where they are newer.
INSERT INTO latest_value AS l (device, metric, lane, event_at, value, shard, n)
SELECT r.device, r.metric, r.lane, r.event_at, r.value, %(shard)s, %(n)s
FROM unnest(%(device)s::int[], %(metric)s::smallint[], %(lane)s::smallint[], %(event_at)s::timestamptz[],
            %(value)s::float8[]) r (device, metric, lane, event_at, value)
ON CONFLICT (device, metric, lane) DO UPDATE
SET event_at = excluded.event_at, value = excluded.value, shard = excluded.shard, n = excluded.n
WHERE excluded.event_at >= l.event_at;

-- latest_record --
-- The newest records, where they are newer.
INSERT INTO latest_record AS l (device, kind, key, event_at, content, shard, n)
SELECT r.no, r.kind, r.key, r.t, r.content, %(shard)s, %(n)s
FROM jsonb_to_recordset(%(rows)s::jsonb) r (no int, kind text, key text, t timestamptz, content jsonb)
ON CONFLICT (device, kind, key) DO UPDATE
SET event_at = excluded.event_at, content = excluded.content, shard = excluded.shard, n = excluded.n
WHERE excluded.event_at >= l.event_at;

-- violations --
-- Revisions of suspected violations; the first stays, where a passage comes again that the log has forgotten.
INSERT INTO violation (shard, id, revision, n, rule, rule_version, offence, device, zone, occurred_at, vehicle, chargeable, content)
SELECT %(shard)s, r.id, r.revision, %(n)s, r.rule, r.rule_version, r.offence, r.device, r.zone, r.occurred_at, r.vehicle,
       r.chargeable, r.content
FROM jsonb_to_recordset(%(rows)s::jsonb) r (
    id uuid, revision int, rule text, rule_version int, offence text, device int, zone text, occurred_at timestamptz,
    vehicle smallint, chargeable boolean, content jsonb)
ON CONFLICT (shard, id, revision) DO NOTHING;

-- violation_plates --
-- Plates of violations under their case keys; the first stays.
INSERT INTO violation_plate (shard, id, sealed, wrapped_key)
SELECT %(shard)s, r.id, decode(r.sealed, 'base64'), decode(r.wrapped_key, 'base64')
FROM jsonb_to_recordset(%(rows)s::jsonb) r (id uuid, sealed text, wrapped_key text)
ON CONFLICT (shard, id) DO NOTHING;

-- alarms --
-- Revisions of alarms' conditions.
INSERT INTO alarm (shard, id, revision, n, kind, subject, device, zone, priority, condition, onset_at, changed_at, content)
SELECT %(shard)s, r.id, r.revision, %(n)s, r.kind, r.subject, r.device, r.zone, r.priority, r.condition, r.onset_at,
       r.changed_at, r.content
FROM jsonb_to_recordset(%(rows)s::jsonb) r (
    id uuid, revision int, kind text, subject text, device int, zone text, priority smallint, condition text,
    onset_at timestamptz, changed_at timestamptz, content jsonb);

-- rejections --
-- What was not accepted, its payload sealed.
INSERT INTO rejection (shard, n, reason, detail, topic, payload, payload_day, received_at, device, boot, seq, part, count,
                       i)
SELECT %(shard)s, %(n)s, r.reason, r.detail, r.topic, decode(r.payload, 'base64'), r.payload_day, r.received_at, r.device,
       r.boot, r.seq, r.part, r.count, r.i
FROM jsonb_to_recordset(%(rows)s::jsonb) r (
    reason text, detail text, topic text, payload text, payload_day int, received_at timestamptz, device int,
    boot bigint, seq bigint, part int, count int, i int);

-- proposals_room --
-- Make room for unknown devices that are new: those heard once or not for a day go, the oldest first, if there are too many.
DELETE FROM proposal
WHERE city = %(city)s AND device IN (
    SELECT device FROM proposal
    WHERE city = %(city)s AND device <> ALL (%(devices)s::text[])
      AND (count = 1 OR last_at < %(now_at)s::timestamptz - interval '1 day')
    ORDER BY last_at, device
    LIMIT greatest(0, (SELECT count(*) FROM proposal WHERE city = %(city)s) - %(most)s::int
                      + (SELECT count(*) FROM unnest(%(devices)s::text[]) d
                         WHERE NOT EXISTS (SELECT FROM proposal WHERE city = %(city)s AND device = d))));

-- proposals --
-- What unknown devices said, as far as there is room. One that was dismissed comes back when it says something new.
INSERT INTO proposal AS p (city, device, zone, first_at, last_at, count, kinds, series, unknown_metrics, lon, lat)
SELECT %(city)s, r.device, r.zone, r.first_at, r.last_at, r.count, r.kinds, r.series, r.unknown_metrics, r.lon, r.lat
FROM (
    SELECT said.*, known.device IS NULL AS new, row_number() OVER (PARTITION BY known.device IS NULL) AS i
    FROM jsonb_to_recordset(%(rows)s::jsonb) said (
        device text, zone text, first_at timestamptz, last_at timestamptz, count bigint, kinds text[], series jsonb,
        unknown_metrics int, lon float8, lat float8)
    LEFT JOIN proposal known ON known.city = %(city)s AND known.device = said.device
) r
WHERE NOT r.new OR r.i <= %(most)s::int - (SELECT count(*) FROM proposal WHERE city = %(city)s)
ON CONFLICT (city, device) DO UPDATE
SET zone = excluded.zone,
    last_at = greatest(p.last_at, excluded.last_at),
    count = p.count + excluded.count,
    kinds = (SELECT array_agg(DISTINCT kind ORDER BY kind) FROM unnest(p.kinds || excluded.kinds) kind),
    series = p.series || (
        SELECT coalesce(jsonb_object_agg(key, said || jsonb_build_object(
            'first_us', coalesce(p.series -> key -> 'first_us', said -> 'first_us'),
            'n', coalesce((p.series -> key ->> 'n')::bigint, 0) + (said ->> 'n')::bigint)), '{}')
        FROM jsonb_each(excluded.series) each (key, said)
        WHERE p.series ? key OR (SELECT count(*) FROM jsonb_object_keys(p.series)) < %(series_most)s::int),
    unknown_metrics = greatest(p.unknown_metrics, excluded.unknown_metrics),
    lon = coalesce(excluded.lon, p.lon),
    lat = coalesce(excluded.lat, p.lat),
    dismissed_at = CASE WHEN excluded.zone = p.zone AND excluded.kinds <@ p.kinds
                             AND (p.series ?& ARRAY(SELECT jsonb_object_keys(excluded.series))
                                  OR (SELECT count(*) FROM jsonb_object_keys(p.series)) >= %(series_most)s::int)
                        THEN p.dismissed_at END;

-- live_event --
-- What the live stream says of this batch, one thing at a time.
INSERT INTO live_event (shard, n, i, kind, payload) VALUES (%(shard)s, %(n)s, %(i)s, %(kind)s, %(payload)s::jsonb);

-- notify --
-- Wake who follows the live stream, at the commit.
SELECT pg_notify('andaman_live', %(shard)s || ' ' || %(n)s);
