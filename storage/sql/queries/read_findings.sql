-- violations --
-- Suspected violations by the moment of the offence, the newest first, after the key of the last page; no replays.
-- The key stands there twice: the first condition is for the index, the second for rows of the same moment.
SELECT v.shard, v.id, v.revision, v.rule, v.rule_version, v.offence, v.device, v.zone, v.occurred_at, v.vehicle,
       v.chargeable, v.content, v.recorded_at, s.space
FROM violation_current v
JOIN shard s ON s.shard = v.shard AND s.space <> 'replay'
WHERE (%(from_at)s::timestamptz IS NULL OR v.occurred_at >= %(from_at)s)
  AND (%(to_at)s::timestamptz IS NULL OR v.occurred_at < %(to_at)s)
  AND (%(after_at)s::timestamptz IS NULL OR v.occurred_at <= %(after_at)s)
  AND (%(after_at)s::timestamptz IS NULL OR v.occurred_at < %(after_at)s OR v.id > %(after_id)s::uuid)
  AND (%(zones)s::text[] IS NULL OR v.zone = ANY(%(zones)s))
  AND (%(rule)s::text IS NULL OR v.rule = %(rule)s)
  AND (%(devices)s::int[] IS NULL OR v.device = ANY(%(devices)s))
  AND (%(standing)s::text IS NULL OR %(standing)s = CASE
         WHEN v.chargeable THEN 'chargeable'
         WHEN v.content ->> 'reason' = ANY(%(looks)s::text[]) THEN 'second_look'
         ELSE 'not_chargeable' END)
ORDER BY v.occurred_at DESC, v.id
LIMIT %(limit)s;

-- violations_by_id --
-- The current revision of these violations; where several shards judged one, the one written last.
SELECT DISTINCT ON (v.id) v.shard, v.id, v.revision, v.rule, v.rule_version, v.offence, v.device, v.zone,
       v.occurred_at, v.vehicle, v.chargeable, v.content, v.recorded_at, s.space
FROM violation_current v
JOIN shard s ON s.shard = v.shard AND s.space <> 'replay'
WHERE v.id = ANY(%(ids)s)
ORDER BY v.id, v.recorded_at DESC;

-- plates --
-- The sealed plates of these violations.
SELECT DISTINCT ON (p.id) p.id, p.sealed, p.wrapped_key
FROM violation_plate p
JOIN shard s ON s.shard = p.shard AND s.space <> 'replay'
WHERE p.id = ANY(%(ids)s)
ORDER BY p.id, p.sealed_at DESC;

-- alarms --
-- Alarms whose episode touches a time range, the latest onset first, after the key of the last page; no replays.
SELECT a.id, a.revision, a.kind, a.subject, a.device, a.zone, a.priority, a.condition, a.onset_at, a.changed_at,
       a.content, s.city, s.space
FROM alarm_current a
JOIN shard s ON s.shard = a.shard AND s.space <> 'replay'
WHERE (%(condition)s::text IS NULL OR a.condition = %(condition)s)
  AND (%(kind)s::text IS NULL OR a.kind = %(kind)s)
  AND (%(zones)s::text[] IS NULL OR a.zone = ANY(%(zones)s))
  AND (%(from_at)s::timestamptz IS NULL OR a.condition = 'active' OR a.changed_at >= %(from_at)s)
  AND (%(to_at)s::timestamptz IS NULL OR a.onset_at < %(to_at)s)
  AND (%(after_at)s::timestamptz IS NULL OR a.onset_at <= %(after_at)s)
  AND (%(after_at)s::timestamptz IS NULL OR a.onset_at < %(after_at)s OR a.id > %(after_id)s::uuid)
ORDER BY a.onset_at DESC, a.id
LIMIT %(limit)s;

-- alarms_by_id --
-- The current revision of these alarms.
SELECT DISTINCT ON (a.id) a.id, a.revision, a.kind, a.subject, a.device, a.zone, a.priority, a.condition, a.onset_at,
       a.changed_at, a.content, s.city, s.space
FROM alarm_current a
JOIN shard s ON s.shard = a.shard AND s.space <> 'replay'
WHERE a.id = ANY(%(ids)s)
ORDER BY a.id, a.recorded_at DESC;

-- handling --
-- What people have done about these alarms, the oldest first, and when each alarm last began again, if it did.
SELECT h.alarm, h.at, h.made_by, h.action, h.shelved_until_at, h.assigned_to, h.note, again.at
FROM alarm_handling h
LEFT JOIN LATERAL (
    SELECT max(a.recorded_at) AS at
    FROM alarm a
    JOIN alarm b ON b.id = a.id AND b.revision = a.revision - 1 AND b.condition = 'normal'
    WHERE a.id = h.alarm AND a.condition <> 'normal'
) again ON h.action = 'acknowledge'
WHERE h.alarm = ANY(%(ids)s)
ORDER BY h.id;
