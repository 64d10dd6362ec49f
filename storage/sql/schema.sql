-- The readable whole: what all migrations together make. Never run on a database; a test builds one from this file and
-- one from the migrations and compares their catalogs.
-- Column names end in their unit; `_at` is a moment (timestamptz, microseconds, UTC inside). Enumerations are the codes
-- of contracts/records.py. `shard, n` name the batch that a row came with. Nothing here holds a clear plate.

CREATE EXTENSION IF NOT EXISTS timescaledb;

-- ---------------------------------------------------------------------------------------------------- the log
CREATE TABLE shard (
    shard int PRIMARY KEY,
    city text NOT NULL,
    space text NOT NULL CHECK (space IN ('live', 'simulated', 'replay')),
    epoch bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE shard IS 'A log: the zones of one city that one pipeline owns, in one space.';
COMMENT ON COLUMN shard.shard IS 'Number of the shard; with the batch number it orders everything.';
COMMENT ON COLUMN shard.city IS 'Id of the city.';
COMMENT ON COLUMN shard.space IS 'live: real devices; simulated: the simulated city; replay: a recording or a backtest.';
COMMENT ON COLUMN shard.epoch IS 'Counts the pipelines that took this shard; a commit of an older one is refused.';

CREATE TABLE batch (
    shard int NOT NULL,
    n bigint NOT NULL,
    epoch bigint NOT NULL,
    since_at timestamptz NOT NULL,
    now_at timestamptz NOT NULL,
    records int NOT NULL,
    received_from_at timestamptz,
    received_until_at timestamptz,
    gaps jsonb NOT NULL DEFAULT '[]',
    config int,
    past_shard int,
    past_n bigint,
    rejects jsonb NOT NULL DEFAULT '[]',
    notices jsonb NOT NULL DEFAULT '[]',
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (shard, n)
);
COMMENT ON TABLE batch IS 'The log''s entries in order: one row a batch, with everything the engine knows beside the records.';
COMMENT ON COLUMN batch.shard IS 'Shard.';
COMMENT ON COLUMN batch.n IS 'Number of the batch in its shard, from 1 without a hole.';
COMMENT ON COLUMN batch.epoch IS 'Epoch of the pipeline that wrote it.';
COMMENT ON COLUMN batch.since_at IS 'Engine time at the end of the batch before.';
COMMENT ON COLUMN batch.now_at IS 'Engine time at the end; the ticks of the one-second grid in (since_at, now_at] were reached.';
COMMENT ON COLUMN batch.records IS 'Records of all kinds in the batch.';
COMMENT ON COLUMN batch.received_from_at IS 'Least receipt time of its records; finds their chunks.';
COMMENT ON COLUMN batch.received_until_at IS 'Greatest receipt time of its records.';
COMMENT ON COLUMN batch.gaps IS '[{from_us, to_us, reason}]: we did not listen.';
COMMENT ON COLUMN batch.config IS 'Version of the city in force from this batch on; null: unchanged.';
COMMENT ON COLUMN batch.past_shard IS 'Shard whose state is this one''s memory of the time before; null: none.';
COMMENT ON COLUMN batch.past_n IS 'Batch of past_shard at which its state is taken.';
COMMENT ON COLUMN batch.rejects IS '[{device, reason, count, boot[], seq[], at_us}]: what was rejected, at_us the tick after its receipt.';
COMMENT ON COLUMN batch.notices IS '[{kind, active, detail}]: what the pipeline noticed of our own house.';
COMMENT ON COLUMN batch.recorded_at IS 'Clock of the database when the row was written.';
CREATE INDEX batch_past ON batch (shard, past_shard) WHERE past_shard IS NOT NULL;
CREATE INDEX batch_config ON batch (shard, config) WHERE config IS NOT NULL;

-- The log tables have the columns of contracts/columns.py in their order. No unique index: identity comes from the
-- fold. BRIN only: rows come in order of n and nearly of event time, so a summary of 128 pages costs almost nothing to
-- write; the multi-minmax kind stays sharp when two shards or a late record share a page. Bloom over seq finds a
-- message that is older than the fold's memory; its ranges are small, because the first range of a chunk is summarised
-- row by row (0.4 s for the first 10,000 rows of a day at 128 pages, 0.09 s at 16).
CREATE TABLE log_reading (
    shard int NOT NULL,
    n bigint NOT NULL,
    place int NOT NULL,
    device int NOT NULL,
    boot bigint NOT NULL,
    seq bigint NOT NULL,
    part int NOT NULL,
    digest bigint NOT NULL,
    received_at timestamptz NOT NULL,
    event_at timestamptz NOT NULL,
    quality smallint NOT NULL,
    metric smallint NOT NULL,
    lane smallint NOT NULL,
    value double precision NOT NULL
);
COMMENT ON TABLE log_reading IS 'Accepted readings and camera counts, as accepted, never altered.';
COMMENT ON COLUMN log_reading.metric IS 'Code of the metric in the city''s list.';
COMMENT ON COLUMN log_reading.lane IS 'Lane; 0: the whole device.';
COMMENT ON COLUMN log_reading.value IS 'Value in the metric''s unit.';

CREATE TABLE log_passage (
    shard int NOT NULL,
    n bigint NOT NULL,
    place int NOT NULL,
    device int NOT NULL,
    boot bigint NOT NULL,
    seq bigint NOT NULL,
    part int NOT NULL,
    digest bigint NOT NULL,
    received_at timestamptz NOT NULL,
    event_at timestamptz NOT NULL,
    quality smallint NOT NULL,
    lane smallint NOT NULL,
    direction smallint NOT NULL,
    vehicle smallint NOT NULL,
    colour smallint NOT NULL,
    speed_kmh double precision NOT NULL,
    dwell_s double precision NOT NULL,
    track bigint NOT NULL,
    helmet smallint NOT NULL,
    riders smallint NOT NULL,
    plate_state smallint NOT NULL,
    plate_confidence double precision NOT NULL,
    plate_day int NOT NULL,
    plate_hash bytea NOT NULL,
    plate_hash_before bytea NOT NULL,
    plate_skeleton bytea NOT NULL,
    plate_sealed bytea NOT NULL,
    evidence bytea NOT NULL
);
COMMENT ON TABLE log_passage IS 'Accepted passages of vehicles past cameras, as accepted, never altered.';
COMMENT ON COLUMN log_passage.lane IS 'Lane; 0: unknown.';
COMMENT ON COLUMN log_passage.direction IS '0 unknown, 1 along the segment''s line, 2 against it.';
COMMENT ON COLUMN log_passage.vehicle IS 'Vehicle class.';
COMMENT ON COLUMN log_passage.colour IS 'Colour of the vehicle.';
COMMENT ON COLUMN log_passage.speed_kmh IS 'Speed in km/h; NaN: not measured.';
COMMENT ON COLUMN log_passage.dwell_s IS 'Time in view in seconds; NaN: not measured.';
COMMENT ON COLUMN log_passage.track IS 'Hash of the camera''s track id; -1: none.';
COMMENT ON COLUMN log_passage.helmet IS 'What was seen of helmets.';
COMMENT ON COLUMN log_passage.riders IS 'Riders seen; -1: not counted.';
COMMENT ON COLUMN log_passage.plate_state IS '0 no plate read, 1 clear, 2 doubtful.';
COMMENT ON COLUMN log_passage.plate_confidence IS 'Confidence of the consensus, 0 to 1; NaN: no plate.';
COMMENT ON COLUMN log_passage.plate_day IS 'Days since 1970 in Thai time: whose keys sealed and hashed the plate; -1: none.';
COMMENT ON COLUMN log_passage.plate_hash IS 'HMAC-SHA256 of the plate under the day''s hashing key, 16 bytes; zero: none.';
COMMENT ON COLUMN log_passage.plate_hash_before IS 'The same under the day before''s key, for two hours after midnight; zero: none.';
COMMENT ON COLUMN log_passage.plate_skeleton IS 'HMAC-SHA256 of the plate''s confusable skeleton, 16 bytes; zero: none.';
COMMENT ON COLUMN log_passage.plate_sealed IS 'The plate under the day''s encryption key (AES-256-GCM), 76 bytes; zero: none.';
COMMENT ON COLUMN log_passage.evidence IS 'SHA-256 of the overview picture; zero: none.';

CREATE TABLE log_signal (
    shard int NOT NULL,
    n bigint NOT NULL,
    place int NOT NULL,
    device int NOT NULL,
    boot bigint NOT NULL,
    seq bigint NOT NULL,
    part int NOT NULL,
    digest bigint NOT NULL,
    received_at timestamptz NOT NULL,
    event_at timestamptz NOT NULL,
    quality smallint NOT NULL,
    "group" smallint NOT NULL,
    phase smallint NOT NULL
);
COMMENT ON TABLE log_signal IS 'Accepted phase changes of signal groups, as accepted, never altered.';
COMMENT ON COLUMN log_signal."group" IS 'Signal group of the junction.';
COMMENT ON COLUMN log_signal.phase IS 'Phase from the event time on.';

CREATE TABLE log_status (
    shard int NOT NULL,
    n bigint NOT NULL,
    place int NOT NULL,
    device int NOT NULL,
    boot bigint NOT NULL,
    seq bigint NOT NULL,
    part int NOT NULL,
    digest bigint NOT NULL,
    received_at timestamptz NOT NULL,
    event_at timestamptz NOT NULL,
    quality smallint NOT NULL,
    event smallint NOT NULL,
    battery double precision NOT NULL,
    firmware char(24) NOT NULL,
    clock_offset_ms double precision NOT NULL,
    clock_source smallint NOT NULL,
    lens_score double precision NOT NULL,
    calibrated_until_at timestamptz NOT NULL
);
COMMENT ON TABLE log_status IS 'What devices said about themselves, as accepted, never altered.';
COMMENT ON COLUMN log_status.event IS '0 health, 1 birth, 2 death (last will).';
COMMENT ON COLUMN log_status.battery IS 'Charge, 0 to 1; NaN: not said.';
COMMENT ON COLUMN log_status.firmware IS 'Firmware version, padded with spaces; blank: not said.';
COMMENT ON COLUMN log_status.clock_offset_ms IS 'Device clock minus reference in ms, as the device knows it; NaN: not said.';
COMMENT ON COLUMN log_status.clock_source IS 'Where the device has its time from.';
COMMENT ON COLUMN log_status.lens_score IS 'Cleanness of the lens, 0 to 1; NaN: not said.';
COMMENT ON COLUMN log_status.calibrated_until_at IS 'End of calibration; one microsecond before 1970: not said.';

DO $$
DECLARE
    kind text;
    meaning text[];
BEGIN
    FOREACH kind IN ARRAY ARRAY['log_reading', 'log_passage', 'log_signal', 'log_status'] LOOP
        FOREACH meaning SLICE 1 IN ARRAY ARRAY[
            ['shard', 'Shard.'],
            ['n', 'Batch in the shard.'],
            ['place', 'Place in the batch, one count over all kinds of records: the order of arrival.'],
            ['device', 'Number of the device in the registry.'],
            ['boot', 'The device''s count of its starts; 0: it numbers nothing.'],
            ['seq', 'The device''s own number of the message; hash of the content where boot is 0.'],
            ['part', 'Which record of the message.'],
            ['digest', 'Hash of the message''s bytes: same identity with another digest is a conflict.'],
            ['received_at', 'Engine time at receipt; never decreases within a shard.'],
            ['event_at', 'When it happened, by the clock that quality names.'],
            ['quality', 'Whose clock event_at is: 0 the device''s, 1 ours at receipt.']
        ] LOOP
            EXECUTE format('COMMENT ON COLUMN %I.%I IS %L', kind, meaning[1], meaning[2]);
        END LOOP;
        -- By engine time, which never goes back: recovery and retention prune by it. A day: what retention drops.
        PERFORM create_hypertable(kind::regclass, by_range('received_at', INTERVAL '1 day'),
                                  create_default_indexes => false);
        EXECUTE format('CREATE INDEX %I ON %I USING brin (n int8_minmax_multi_ops) WITH (autosummarize = on)',
                       kind || '_n', kind);
        EXECUTE format('CREATE INDEX %I ON %I USING brin (event_at timestamptz_minmax_multi_ops) WITH (autosummarize = on)',
                       kind || '_event_at', kind);
        EXECUTE format('CREATE INDEX %I ON %I USING brin (seq int8_bloom_ops (n_distinct_per_range = 1500))'
                       ' WITH (pages_per_range = 16, autosummarize = on)', kind || '_seq', kind);
    END LOOP;
END $$;

CREATE TABLE rejection (
    shard int NOT NULL,
    n bigint NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    topic text NOT NULL,
    payload bytea NOT NULL,
    payload_day int NOT NULL,
    received_at timestamptz NOT NULL,
    device int NOT NULL,
    boot bigint NOT NULL,
    seq bigint NOT NULL,
    part int NOT NULL,
    count int NOT NULL DEFAULT 1,
    i int NOT NULL DEFAULT 0
);
COMMENT ON TABLE rejection IS 'What was not accepted, with its reason; can be fed in again after a fix.';
COMMENT ON COLUMN rejection.shard IS 'Shard.';
COMMENT ON COLUMN rejection.n IS 'Batch it came with.';
COMMENT ON COLUMN rejection.reason IS 'One of contracts.delivery.REASONS.';
COMMENT ON COLUMN rejection.detail IS 'What is wrong, in words.';
COMMENT ON COLUMN rejection.topic IS 'Topic as it came.';
COMMENT ON COLUMN rejection.payload IS 'First 65,536 bytes of the payload, sealed under the day''s key: it may hold a plate.';
COMMENT ON COLUMN rejection.payload_day IS 'Days since 1970 in Thai time: whose key sealed the payload.';
COMMENT ON COLUMN rejection.received_at IS 'Engine time at receipt.';
COMMENT ON COLUMN rejection.device IS 'Number of the device; -1: unknown.';
COMMENT ON COLUMN rejection.boot IS 'The device''s boot count; 0: unknown.';
COMMENT ON COLUMN rejection.seq IS 'The device''s message number; 0: unknown.';
COMMENT ON COLUMN rejection.part IS 'Which record of the message; -1: the whole message.';
COMMENT ON COLUMN rejection.count IS 'How many rejections the row stands for.';
COMMENT ON COLUMN rejection.i IS 'Place among the rejections of its batch.';
SELECT create_hypertable('rejection', by_range('received_at', INTERVAL '1 day'));
CREATE INDEX rejection_id ON rejection (shard, n, i);
CREATE INDEX rejection_number ON rejection (device, seq) WHERE boot > 0;

CREATE TABLE rejection_fate (
    shard int NOT NULL,
    n bigint NOT NULL,
    i int NOT NULL,
    received_at timestamptz NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('accepted', 'rejected', 'unreadable')),
    reason text NOT NULL,
    detail text NOT NULL,
    job bigint NOT NULL,
    decided_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (shard, n, i)
);
COMMENT ON TABLE rejection_fate IS 'What became of a rejection when it was fed in again, the last time.';
COMMENT ON COLUMN rejection_fate.shard IS 'Shard of the rejection.';
COMMENT ON COLUMN rejection_fate.n IS 'Batch of the rejection.';
COMMENT ON COLUMN rejection_fate.i IS 'Place of the rejection in its batch.';
COMMENT ON COLUMN rejection_fate.received_at IS 'When the rejection was received: it goes when that does.';
COMMENT ON COLUMN rejection_fate.outcome IS 'accepted: it is in the log; rejected: again; unreadable: its bytes cannot be opened or are not whole.';
COMMENT ON COLUMN rejection_fate.reason IS 'Why it was rejected again, one of contracts.delivery.REASONS; empty: it was not.';
COMMENT ON COLUMN rejection_fate.detail IS 'The same in words.';
COMMENT ON COLUMN rejection_fate.job IS 'Job that fed it in.';
COMMENT ON COLUMN rejection_fate.decided_at IS 'When that was known.';
CREATE INDEX rejection_fate_received_at ON rejection_fate (received_at);

-- ---------------------------------------------------------------------------------------------------- findings
CREATE TABLE window_1m (
    shard int NOT NULL,
    n bigint NOT NULL,
    device int NOT NULL,
    metric smallint NOT NULL,
    lane smallint NOT NULL,
    start_at timestamptz NOT NULL,
    revision int NOT NULL,
    count bigint NOT NULL,
    mean double precision NOT NULL,
    min double precision NOT NULL,
    max double precision NOT NULL,
    sd double precision NOT NULL,
    median double precision NOT NULL,
    p85 double precision NOT NULL,
    p95 double precision NOT NULL,
    last double precision NOT NULL,
    completeness double precision NOT NULL,
    added bigint NOT NULL DEFAULT -1
);
COMMENT ON TABLE window_1m IS 'One-minute windows of every series: append-only revisions, the highest is in force. Values in the metric''s unit.';
COMMENT ON COLUMN window_1m.shard IS 'Shard.';
COMMENT ON COLUMN window_1m.n IS 'Batch it was said with.';
COMMENT ON COLUMN window_1m.device IS 'Number of the device.';
COMMENT ON COLUMN window_1m.metric IS 'Code of the metric.';
COMMENT ON COLUMN window_1m.lane IS 'Lane; 0: the whole device.';
COMMENT ON COLUMN window_1m.start_at IS 'Start of the minute, event time.';
COMMENT ON COLUMN window_1m.revision IS 'Revision of this window, from 0 or 1 up.';
COMMENT ON COLUMN window_1m.count IS 'Samples.';
COMMENT ON COLUMN window_1m.mean IS 'Arithmetic mean.';
COMMENT ON COLUMN window_1m.min IS 'Least value.';
COMMENT ON COLUMN window_1m.max IS 'Greatest value.';
COMMENT ON COLUMN window_1m.sd IS 'Sample standard deviation (n - 1); NaN below two samples.';
COMMENT ON COLUMN window_1m.median IS 'Median.';
COMMENT ON COLUMN window_1m.p85 IS '85th percentile (V85 for speeds).';
COMMENT ON COLUMN window_1m.p95 IS '95th percentile.';
COMMENT ON COLUMN window_1m.last IS 'Last value by event time.';
COMMENT ON COLUMN window_1m.completeness IS 'Samples come of samples expected, 0 to 1; NaN: no interval known.';
COMMENT ON COLUMN window_1m.added IS 'Samples that are new in this revision; -1: said before they were counted.';
-- A week a chunk: five years are 261 chunks. The index touches one leaf a series and minute whatever the chunk's size.
SELECT create_hypertable('window_1m', by_range('start_at', INTERVAL '7 days'), create_default_indexes => false);
CREATE INDEX window_1m_series ON window_1m (device, metric, lane, start_at DESC, shard, revision DESC);

CREATE TABLE window_wide (
    shard int NOT NULL,
    n bigint NOT NULL,
    device int NOT NULL,
    metric smallint NOT NULL,
    lane smallint NOT NULL,
    width_s int NOT NULL,
    start_at timestamptz NOT NULL,
    revision int NOT NULL,
    count bigint NOT NULL,
    added bigint NOT NULL,
    mean double precision NOT NULL,
    min double precision NOT NULL,
    max double precision NOT NULL,
    sd double precision NOT NULL,
    median double precision NOT NULL,
    p85 double precision NOT NULL,
    p95 double precision NOT NULL,
    last double precision NOT NULL,
    completeness double precision NOT NULL
);
COMMENT ON TABLE window_wide IS 'Windows wider than a minute, merged or derived: append-only revisions, the highest is in force. Values in the metric''s unit.';
COMMENT ON COLUMN window_wide.shard IS 'Shard.';
COMMENT ON COLUMN window_wide.n IS 'Batch it was said with.';
COMMENT ON COLUMN window_wide.device IS 'Number of the device.';
COMMENT ON COLUMN window_wide.metric IS 'Code of the metric; a derived series has its own.';
COMMENT ON COLUMN window_wide.lane IS 'Lane; 0: the whole device.';
COMMENT ON COLUMN window_wide.width_s IS 'Width in seconds: of the merged 900, 3600 and 86400; of a derived series the time that its value stands for.';
COMMENT ON COLUMN window_wide.start_at IS 'Start of the window, event time; a day begins at Thai midnight.';
COMMENT ON COLUMN window_wide.revision IS 'Revision of this window, from 0 or 1 up.';
COMMENT ON COLUMN window_wide.count IS 'Samples.';
COMMENT ON COLUMN window_wide.added IS 'Samples that are new in this revision.';
COMMENT ON COLUMN window_wide.mean IS 'Arithmetic mean.';
COMMENT ON COLUMN window_wide.min IS 'Least value.';
COMMENT ON COLUMN window_wide.max IS 'Greatest value.';
COMMENT ON COLUMN window_wide.sd IS 'Sample standard deviation (n - 1); NaN below two samples.';
COMMENT ON COLUMN window_wide.median IS 'Median, within the sketch''s stated error.';
COMMENT ON COLUMN window_wide.p85 IS '85th percentile (V85 for speeds), within the sketch''s stated error.';
COMMENT ON COLUMN window_wide.p95 IS '95th percentile, within the sketch''s stated error.';
COMMENT ON COLUMN window_wide.last IS 'Last value by event time.';
COMMENT ON COLUMN window_wide.completeness IS 'Samples come of samples expected, 0 to 1; NaN: no interval known.';
-- Six weeks a chunk: a fifteenth of the rows of the minutes and less, and five years of days touch 44 chunks.
SELECT create_hypertable('window_wide', by_range('start_at', INTERVAL '42 days'), create_default_indexes => false);
CREATE INDEX window_wide_series ON window_wide (device, metric, width_s, lane, start_at DESC, shard, revision DESC);

-- The width stands among what is distinct, constant or not: so a question for one width reads one table.
CREATE VIEW window_current AS
(SELECT DISTINCT ON (device, metric, width_s, lane, start_at, shard)
    shard, n, device, metric, lane, 60 AS width_s, start_at, revision, count, added, mean, min, max, sd, median, p85,
    p95, last, completeness
FROM window_1m
ORDER BY device, metric, width_s, lane, start_at DESC, shard, revision DESC)
UNION ALL
(SELECT DISTINCT ON (device, metric, width_s, lane, start_at, shard)
    shard, n, device, metric, lane, width_s, start_at, revision, count, added, mean, min, max, sd, median, p85,
    p95, last, completeness
FROM window_wide
ORDER BY device, metric, width_s, lane, start_at DESC, shard, revision DESC);
COMMENT ON VIEW window_current IS 'The window in force of every series, width, start and shard.';

CREATE TABLE late (
    shard int NOT NULL,
    n bigint NOT NULL,
    kind smallint NOT NULL,
    place int NOT NULL,
    device int NOT NULL,
    event_at timestamptz NOT NULL
);
COMMENT ON TABLE late IS 'Records that came too late for what is made of records in order; they are in the log all the same.';
COMMENT ON COLUMN late.shard IS 'Shard.';
COMMENT ON COLUMN late.n IS 'Batch that said so.';
COMMENT ON COLUMN late.kind IS 'Kind of the record: 0 reading, 1 passage, 2 signal, 3 status.';
COMMENT ON COLUMN late.place IS 'Place of the record in its batch.';
COMMENT ON COLUMN late.device IS 'Number of the device.';
COMMENT ON COLUMN late.event_at IS 'When it happened.';
SELECT create_hypertable('late', by_range('event_at', INTERVAL '7 days'));
CREATE INDEX late_device ON late (device, event_at DESC);

CREATE TABLE violation (
    shard int NOT NULL,
    id uuid NOT NULL,
    revision int NOT NULL,
    n bigint NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    rule text NOT NULL,
    rule_version int NOT NULL,
    offence text NOT NULL,
    device int NOT NULL,
    zone text NOT NULL,
    occurred_at timestamptz NOT NULL,
    vehicle smallint NOT NULL,
    chargeable boolean NOT NULL,
    content jsonb NOT NULL,
    PRIMARY KEY (shard, id, revision)
);
COMMENT ON TABLE violation IS 'Suspected violations: append-only revisions. The same offence has the same id in every shard that judged it.';
COMMENT ON COLUMN violation.shard IS 'Shard.';
COMMENT ON COLUMN violation.id IS 'Hash of city, offence and the deciding records'' identities.';
COMMENT ON COLUMN violation.revision IS 'Revision of this id.';
COMMENT ON COLUMN violation.n IS 'Batch it was said with.';
COMMENT ON COLUMN violation.recorded_at IS 'Clock of the database when it was written.';
COMMENT ON COLUMN violation.rule IS 'Id of the rule.';
COMMENT ON COLUMN violation.rule_version IS 'Version of the rule.';
COMMENT ON COLUMN violation.offence IS 'Offence by the city''s rules.';
COMMENT ON COLUMN violation.device IS 'Number of the deciding device.';
COMMENT ON COLUMN violation.zone IS 'Zone of the device.';
COMMENT ON COLUMN violation.occurred_at IS 'Event time of the deciding record.';
COMMENT ON COLUMN violation.vehicle IS 'Vehicle class.';
COMMENT ON COLUMN violation.chargeable IS 'False: kept as a statistic, may not be held against anybody; content says why.';
COMMENT ON COLUMN violation.content IS 'The whole finding (contracts.findings.Violation) as JSON, with because.';
CREATE INDEX violation_occurred_at ON violation (occurred_at DESC, id);
CREATE INDEX violation_zone ON violation (zone, occurred_at DESC);

CREATE VIEW violation_current AS
SELECT v.*
FROM violation v
WHERE NOT EXISTS (
    SELECT FROM violation w WHERE w.shard = v.shard AND w.id = v.id AND w.revision > v.revision
);
COMMENT ON VIEW violation_current IS 'The newest revision of every violation, a row per shard that judged it.';

CREATE TABLE violation_plate (
    shard int NOT NULL,
    id uuid NOT NULL,
    sealed bytea NOT NULL,
    wrapped_key bytea NOT NULL,
    sealed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (shard, id)
);
COMMENT ON TABLE violation_plate IS 'The plate of a violation, sealed again under a key of its own when the violation was created.';
COMMENT ON COLUMN violation_plate.shard IS 'Shard of the violation.';
COMMENT ON COLUMN violation_plate.id IS 'Id of the violation; bound into the seal.';
COMMENT ON COLUMN violation_plate.sealed IS 'Plate and province under the case key (AES-256-GCM).';
COMMENT ON COLUMN violation_plate.wrapped_key IS 'The case key under the vault''s key of the month.';
COMMENT ON COLUMN violation_plate.sealed_at IS 'Clock of the database when it was written.';

CREATE TABLE alarm (
    shard int NOT NULL,
    id uuid NOT NULL,
    revision int NOT NULL,
    n bigint NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind text NOT NULL,
    subject text NOT NULL,
    device int NOT NULL,
    zone text NOT NULL,
    priority smallint NOT NULL,
    condition text NOT NULL CHECK (condition IN ('active', 'normal', 'suppressed')),
    onset_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    content jsonb NOT NULL,
    PRIMARY KEY (shard, id, revision)
);
COMMENT ON TABLE alarm IS 'The engine''s half of alarms, their condition: append-only revisions. Handling is in alarm_handling.';
COMMENT ON COLUMN alarm.shard IS 'Shard.';
COMMENT ON COLUMN alarm.id IS 'Id of the episode.';
COMMENT ON COLUMN alarm.revision IS 'Revision of this id.';
COMMENT ON COLUMN alarm.n IS 'Batch it was said with.';
COMMENT ON COLUMN alarm.recorded_at IS 'Clock of the database when it was written.';
COMMENT ON COLUMN alarm.kind IS 'Kind of the alarm; the city''s responses explain it.';
COMMENT ON COLUMN alarm.subject IS 'What it is about: device, series or zone.';
COMMENT ON COLUMN alarm.device IS 'Number of the device; -1: about no single device.';
COMMENT ON COLUMN alarm.zone IS 'Zone.';
COMMENT ON COLUMN alarm.priority IS '1 low, 2 medium, 3 high, 4 critical (ISA-18.2).';
COMMENT ON COLUMN alarm.condition IS 'active, normal (returned) or suppressed by design.';
COMMENT ON COLUMN alarm.onset_at IS 'When the episode began, event or engine time.';
COMMENT ON COLUMN alarm.changed_at IS 'When the condition last changed.';
COMMENT ON COLUMN alarm.content IS 'The whole finding (contracts.findings.Alarm) as JSON, with because.';
CREATE INDEX alarm_changed_at ON alarm (changed_at DESC, id);
CREATE INDEX alarm_active ON alarm (onset_at DESC) WHERE condition = 'active';
CREATE INDEX alarm_id ON alarm (id, revision);

CREATE VIEW alarm_current AS
SELECT a.*
FROM alarm a
WHERE NOT EXISTS (
    SELECT FROM alarm b
    WHERE b.id = a.id AND b.revision > a.revision
      AND (b.shard = a.shard
           OR NOT EXISTS (SELECT FROM shard s WHERE s.shard IN (a.shard, b.shard) AND s.space = 'replay'))
);
COMMENT ON VIEW alarm_current IS 'The newest revision of every alarm: a past and the live shard that remembers it go on in one count, a replay has its own.';

-- ---------------------------------------------------------------------------------------------------- now
CREATE TABLE latest_value (
    device int NOT NULL,
    metric smallint NOT NULL,
    lane smallint NOT NULL,
    event_at timestamptz NOT NULL,
    value double precision NOT NULL,
    shard int NOT NULL,
    n bigint NOT NULL,
    PRIMARY KEY (device, metric, lane)
) WITH (fillfactor = 60);
COMMENT ON TABLE latest_value IS 'The newest value of every series by event time; kept by the writer.';
COMMENT ON COLUMN latest_value.device IS 'Number of the device.';
COMMENT ON COLUMN latest_value.metric IS 'Code of the metric.';
COMMENT ON COLUMN latest_value.lane IS 'Lane; 0: the whole device.';
COMMENT ON COLUMN latest_value.event_at IS 'Event time of the value.';
COMMENT ON COLUMN latest_value.value IS 'Value in the metric''s unit.';
COMMENT ON COLUMN latest_value.shard IS 'Shard it came in.';
COMMENT ON COLUMN latest_value.n IS 'Batch it came in.';

CREATE TABLE latest_record (
    device int NOT NULL,
    kind text NOT NULL CHECK (kind IN ('passage', 'signal', 'status', 'counts')),
    key text NOT NULL,
    event_at timestamptz NOT NULL,
    content jsonb NOT NULL,
    shard int NOT NULL,
    n bigint NOT NULL,
    PRIMARY KEY (device, kind, key)
) WITH (fillfactor = 60);
COMMENT ON TABLE latest_record IS 'The newest record of every kind by event time; kept by the writer.';
COMMENT ON COLUMN latest_record.device IS 'Number of the device.';
COMMENT ON COLUMN latest_record.kind IS 'passage, signal, status or counts.';
COMMENT ON COLUMN latest_record.key IS 'What of the device: lane of a passage or of counts, group of a signal, empty for a status.';
COMMENT ON COLUMN latest_record.event_at IS 'Event time of the record.';
COMMENT ON COLUMN latest_record.content IS 'Its fields by name; never a plate.';
COMMENT ON COLUMN latest_record.shard IS 'Shard it came in.';
COMMENT ON COLUMN latest_record.n IS 'Batch it came in.';

CREATE TABLE live_event (
    shard int NOT NULL,
    n bigint NOT NULL,
    i int NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind text NOT NULL,
    payload jsonb NOT NULL
);
COMMENT ON TABLE live_event IS 'What the live stream says, written in the commit; channel andaman_live is notified with "shard n". Kept two hours.';
COMMENT ON COLUMN live_event.shard IS 'Shard.';
COMMENT ON COLUMN live_event.n IS 'Batch: a shard''s batches commit in order, so no reader skips one.';
COMMENT ON COLUMN live_event.i IS 'Number within the batch, from 0.';
COMMENT ON COLUMN live_event.at IS 'Clock of the database when it was written.';
COMMENT ON COLUMN live_event.kind IS 'values, violation or alarm.';
COMMENT ON COLUMN live_event.payload IS 'What is sent; never a plate.';
SELECT create_hypertable('live_event', by_range('at', INTERVAL '1 hour'));
CREATE INDEX live_event_order ON live_event (shard, n, i);

-- ---------------------------------------------------------------------------------------------------- the city
CREATE TABLE city_version (
    city text NOT NULL,
    version int NOT NULL,
    content jsonb NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    made_by text NOT NULL,
    PRIMARY KEY (city, version)
);
COMMENT ON TABLE city_version IS 'Every version of a city, whole; the highest is current. Devices and rules are revisions within it.';
COMMENT ON COLUMN city_version.city IS 'Id of the city.';
COMMENT ON COLUMN city_version.version IS 'From 1 up.';
COMMENT ON COLUMN city_version.content IS 'contracts.city.City as JSON, devices with their numbers.';
COMMENT ON COLUMN city_version.recorded_at IS 'Clock of the database when it was written.';
COMMENT ON COLUMN city_version.made_by IS 'Who made it: a user or a command.';

CREATE TABLE device (
    no int PRIMARY KEY,
    city text NOT NULL,
    id text NOT NULL,
    first_version int NOT NULL,
    UNIQUE (city, id)
);
COMMENT ON TABLE device IS 'The registry: a device''s number, given once, never reused, unique over all cities.';
COMMENT ON COLUMN device.no IS 'Number of the device in every other table.';
COMMENT ON COLUMN device.city IS 'Id of the city.';
COMMENT ON COLUMN device.id IS 'Id of the device in topics and city files.';
COMMENT ON COLUMN device.first_version IS 'Version of the city that named it first.';

CREATE VIEW city_current AS
SELECT DISTINCT ON (city) * FROM city_version ORDER BY city, version DESC;
COMMENT ON VIEW city_current IS 'The newest version of every city.';

CREATE VIEW device_revision AS
SELECT city, id, no, version, recorded_at, content
FROM (
    SELECT c.city, d ->> 'id' AS id, (d ->> 'no')::int AS no, c.version, c.recorded_at, d AS content,
           lag(d) OVER (PARTITION BY c.city, d ->> 'id' ORDER BY c.version) AS before
    FROM city_version c, jsonb_array_elements(c.content -> 'devices') d
) entry
WHERE before IS DISTINCT FROM content;
COMMENT ON VIEW device_revision IS 'Every revision of every device: the city versions in which its entry changed.';

CREATE VIEW rule_revision AS
SELECT city, id, version, recorded_at, content
FROM (
    SELECT c.city, r ->> 'id' AS id, c.version, c.recorded_at, r AS content,
           lag(r) OVER (PARTITION BY c.city, r ->> 'id' ORDER BY c.version) AS before
    FROM city_version c, jsonb_array_elements(c.content -> 'rules') r
) entry
WHERE before IS DISTINCT FROM content;
COMMENT ON VIEW rule_revision IS 'Every revision of every rule: the city versions in which its entry changed.';

-- ---------------------------------------------------------------------------------------------------- onboarding
CREATE TABLE proposal (
    city text NOT NULL,
    device text NOT NULL,
    zone text NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    count bigint NOT NULL,
    kinds text[] NOT NULL,
    series jsonb NOT NULL DEFAULT '{}',
    unknown_metrics int NOT NULL DEFAULT 0,
    lon double precision,
    lat double precision,
    dismissed_at timestamptz,
    dismissed_by text,
    PRIMARY KEY (city, device)
);
COMMENT ON TABLE proposal IS 'Unknown devices that speak: what they say, until somebody adopts or dismisses them. Bounded (contracts.onboarding.PROPOSALS_MAX); never a plate.';
COMMENT ON COLUMN proposal.city IS 'Id of the city.';
COMMENT ON COLUMN proposal.device IS 'Name in the device''s topics.';
COMMENT ON COLUMN proposal.zone IS 'Zone in its topics, the last it named.';
COMMENT ON COLUMN proposal.first_at IS 'Receipt of its first message.';
COMMENT ON COLUMN proposal.last_at IS 'Receipt of its last message.';
COMMENT ON COLUMN proposal.count IS 'Messages of it that were refused and looked at.';
COMMENT ON COLUMN proposal.kinds IS 'Kinds of its topics.';
COMMENT ON COLUMN proposal.series IS '{"metric/lane": {metric, lane, unit, value, t_us, first_us, n, interval_s}}: metrics that the city has.';
COMMENT ON COLUMN proposal.unknown_metrics IS 'Most metrics in one batch that the city does not have.';
COMMENT ON COLUMN proposal.lon IS 'Degrees east where it says it stands; null: it does not say.';
COMMENT ON COLUMN proposal.lat IS 'Degrees north.';
COMMENT ON COLUMN proposal.dismissed_at IS 'When somebody dismissed it; null again as soon as it says something new.';
COMMENT ON COLUMN proposal.dismissed_by IS 'Who did.';

CREATE TABLE device_credential (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    city text NOT NULL,
    device text NOT NULL,
    zone text NOT NULL,
    hash text,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    made_by text NOT NULL
);
COMMENT ON TABLE device_credential IS 'Credentials of devices at the broker, append-only; the last of a device is in force. A device of the city without one has the password of the data folder.';
COMMENT ON COLUMN device_credential.id IS 'In order of commits: whoever writes one holds the lock of the cities.';
COMMENT ON COLUMN device_credential.city IS 'Id of the city.';
COMMENT ON COLUMN device_credential.device IS 'The device, which is its user name. It need not be in the city yet.';
COMMENT ON COLUMN device_credential.zone IS 'Zone below which it may speak while the city does not have it.';
COMMENT ON COLUMN device_credential.hash IS 'Hash of the password in Mosquitto''s form; null: revoked.';
COMMENT ON COLUMN device_credential.made_at IS 'Clock of the database.';
COMMENT ON COLUMN device_credential.made_by IS 'Who made it.';
CREATE INDEX device_credential_device ON device_credential (city, device, id DESC);

CREATE TABLE broker_accounts (
    city text PRIMARY KEY,
    version int NOT NULL,
    credential bigint NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE broker_accounts IS 'What the broker of a city has taken into force, written by whoever keeps its accounts.';
COMMENT ON COLUMN broker_accounts.city IS 'Id of the city.';
COMMENT ON COLUMN broker_accounts.version IS 'Version of the city whose devices have accounts.';
COMMENT ON COLUMN broker_accounts.credential IS 'Last device_credential.id that was there; 0: none.';
COMMENT ON COLUMN broker_accounts.recorded_at IS 'Clock of the database.';

-- ---------------------------------------------------------------------------------------------------- snapshots
CREATE TABLE snapshot (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shard int NOT NULL,
    n bigint NOT NULL,
    engine text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    complete boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE snapshot IS 'The engine''s state after a batch, so that recovery folds only what came since.';
COMMENT ON COLUMN snapshot.id IS 'Counts the snapshots.';
COMMENT ON COLUMN snapshot.shard IS 'Shard.';
COMMENT ON COLUMN snapshot.n IS 'Batch after which the state was taken.';
COMMENT ON COLUMN snapshot.engine IS 'Version of the engine; another one cannot read it.';
COMMENT ON COLUMN snapshot.created_at IS 'Clock of the database when it was begun.';
COMMENT ON COLUMN snapshot.complete IS 'All fields are there.';
CREATE INDEX snapshot_newest ON snapshot (shard, n DESC);

CREATE TABLE snapshot_field (
    snapshot bigint NOT NULL REFERENCES snapshot ON DELETE CASCADE,
    name text NOT NULL,
    chunk int NOT NULL,
    dtype text NOT NULL,
    shape bigint[] NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (snapshot, name, chunk)
);
ALTER TABLE snapshot_field ALTER bytes SET STORAGE EXTERNAL;
COMMENT ON TABLE snapshot_field IS 'A snapshot''s named arrays, in chunks.';
COMMENT ON COLUMN snapshot_field.snapshot IS 'Snapshot.';
COMMENT ON COLUMN snapshot_field.name IS 'Name of the field.';
COMMENT ON COLUMN snapshot_field.chunk IS 'Number of the chunk, from 0.';
COMMENT ON COLUMN snapshot_field.dtype IS 'NumPy dtype, as a .npy file describes it.';
COMMENT ON COLUMN snapshot_field.shape IS 'Shape of the whole array.';
COMMENT ON COLUMN snapshot_field.bytes IS 'Bytes of the chunk, C order; stored uncompressed: speed matters more.';

-- ---------------------------------------------------------------------------------------------------- the desk
CREATE TABLE app_user (
    name text PRIMARY KEY,
    role text NOT NULL CHECK (role IN ('operator', 'police', 'developer', 'admin')),
    password_hash text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    disabled_at timestamptz
);
COMMENT ON TABLE app_user IS 'Who may sign in.';
COMMENT ON COLUMN app_user.name IS 'Name at sign-in and in the audit log.';
COMMENT ON COLUMN app_user.role IS 'operator, police, developer or admin.';
COMMENT ON COLUMN app_user.password_hash IS 'Argon2id, encoded with its parameters.';
COMMENT ON COLUMN app_user.created_at IS 'Clock of the database.';
COMMENT ON COLUMN app_user.changed_at IS 'Last change of role or password: tokens issued before are void.';
COMMENT ON COLUMN app_user.disabled_at IS 'From when on the user may not sign in; null: may.';

CREATE TABLE session (
    hash bytea PRIMARY KEY,
    name text NOT NULL REFERENCES app_user,
    opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL
);
COMMENT ON TABLE session IS 'Sign-ins of browsers that are still good.';
COMMENT ON COLUMN session.hash IS 'SHA-256 of the cookie''s secret.';
COMMENT ON COLUMN session.name IS 'User.';
COMMENT ON COLUMN session.opened_at IS 'Clock of the database.';
COMMENT ON COLUMN session.expires_at IS 'End.';
CREATE INDEX session_expires_at ON session (expires_at);

CREATE TABLE alarm_handling (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alarm uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    made_by text NOT NULL,
    action text NOT NULL CHECK (action IN ('acknowledge', 'shelve', 'unshelve', 'assign', 'note')),
    shelved_until_at timestamptz,
    assigned_to text,
    note text NOT NULL DEFAULT ''
);
COMMENT ON TABLE alarm_handling IS 'People''s half of alarms, append-only: what was done about one.';
COMMENT ON COLUMN alarm_handling.id IS 'Counts the entries.';
COMMENT ON COLUMN alarm_handling.alarm IS 'Id of the alarm.';
COMMENT ON COLUMN alarm_handling.at IS 'Clock of the database.';
COMMENT ON COLUMN alarm_handling.made_by IS 'User.';
COMMENT ON COLUMN alarm_handling.action IS 'What was done.';
COMMENT ON COLUMN alarm_handling.shelved_until_at IS 'End of shelving; null unless action is shelve.';
COMMENT ON COLUMN alarm_handling.assigned_to IS 'User it was given to; null unless action is assign.';
COMMENT ON COLUMN alarm_handling.note IS 'In their words.';
CREATE INDEX alarm_handling_alarm ON alarm_handling (alarm, id DESC);

CREATE TABLE violation_review (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    violation uuid NOT NULL,
    revision int NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    made_by text NOT NULL,
    decision text NOT NULL CHECK (decision IN ('confirm', 'dismiss', 'reopen', 'note')),
    case_no text NOT NULL DEFAULT '',
    note text NOT NULL DEFAULT ''
);
COMMENT ON TABLE violation_review IS 'What people decided on a suspected violation, append-only.';
COMMENT ON COLUMN violation_review.id IS 'Counts the entries.';
COMMENT ON COLUMN violation_review.violation IS 'Id of the violation.';
COMMENT ON COLUMN violation_review.revision IS 'Revision that they saw.';
COMMENT ON COLUMN violation_review.at IS 'Clock of the database.';
COMMENT ON COLUMN violation_review.made_by IS 'User.';
COMMENT ON COLUMN violation_review.decision IS 'What was decided.';
COMMENT ON COLUMN violation_review.case_no IS 'Case number, if any.';
COMMENT ON COLUMN violation_review.note IS 'In their words.';
CREATE INDEX violation_review_violation ON violation_review (violation, id DESC);

CREATE TABLE audit (
    n bigint PRIMARY KEY,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    role text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    purpose text NOT NULL,
    case_no text NOT NULL,
    detail jsonb NOT NULL,
    before_hash bytea NOT NULL,
    hash bytea NOT NULL
);
COMMENT ON TABLE audit IS 'Every reveal, plate search, export and view of a violation. Written by audit_append alone; each row is chained to the one before.';
COMMENT ON COLUMN audit.n IS 'From 1 without a hole.';
COMMENT ON COLUMN audit.at IS 'Clock of the database.';
COMMENT ON COLUMN audit.actor IS 'User or command.';
COMMENT ON COLUMN audit.role IS 'Role it acted in.';
COMMENT ON COLUMN audit.action IS 'What was done: reveal, export, view, sign_in, destroy_key ...';
COMMENT ON COLUMN audit.subject IS 'What it was done to; never a plate.';
COMMENT ON COLUMN audit.purpose IS 'Stated purpose.';
COMMENT ON COLUMN audit.case_no IS 'Case number, if any.';
COMMENT ON COLUMN audit.detail IS 'More; never a plate.';
COMMENT ON COLUMN audit.before_hash IS 'Hash of the row before; 32 zero bytes in the first.';
COMMENT ON COLUMN audit.hash IS 'SHA-256 over before_hash and the row''s other columns (audit_hash).';

CREATE FUNCTION audit_hash(entry audit) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT sha256(entry.before_hash || convert_to(jsonb_build_array(
        entry.n, (extract(epoch FROM entry.at) * 1000000)::bigint, entry.actor, entry.role, entry.action,
        entry.subject, entry.purpose, entry.case_no, entry.detail)::text, 'UTF8'))
$$;
COMMENT ON FUNCTION audit_hash(audit) IS 'The hash that a row of the audit log must carry.';

CREATE FUNCTION audit_append(actor text, role text, action text, subject text, purpose text, case_no text, detail jsonb)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    entry audit;
BEGIN
    -- One writer at a time until its transaction ends: the chain has no forks and no holes.
    PERFORM pg_advisory_xact_lock(hashtext('andaman.audit'));
    SELECT a.n, a.hash INTO entry.n, entry.before_hash FROM audit a ORDER BY a.n DESC LIMIT 1;
    entry.n := coalesce(entry.n, 0) + 1;
    entry.before_hash := coalesce(entry.before_hash, decode(repeat('00', 32), 'hex'));
    entry.at := clock_timestamp();
    entry.actor := audit_append.actor;
    entry.role := audit_append.role;
    entry.action := audit_append.action;
    entry.subject := audit_append.subject;
    entry.purpose := audit_append.purpose;
    entry.case_no := audit_append.case_no;
    entry.detail := coalesce(audit_append.detail, '{}');
    entry.hash := audit_hash(entry);
    INSERT INTO audit SELECT entry.*;
    RETURN entry.n;
END
$$;
COMMENT ON FUNCTION audit_append(text, text, text, text, text, text, jsonb) IS 'Adds a row to the audit log and returns its number.';

CREATE FUNCTION audit_first_broken() RETURNS bigint
LANGUAGE sql STABLE
AS $$
    SELECT min(n) FROM (
        SELECT a.n, a.hash = audit_hash(a) AND a.n = row_number() OVER ordered
                    AND a.before_hash = lag(a.hash, 1, decode(repeat('00', 32), 'hex')) OVER ordered AS sound
        FROM audit a
        WINDOW ordered AS (ORDER BY a.n)
    ) checked
    WHERE NOT sound
$$;
COMMENT ON FUNCTION audit_first_broken() IS 'The first row of the audit log whose chain does not hold; null: sound.';

CREATE TABLE key_ledger (
    kind text NOT NULL CHECK (kind IN ('encrypt', 'hash', 'case')),
    day int NOT NULL,
    fingerprint bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    destroyed_at timestamptz,
    PRIMARY KEY (kind, day)
);
COMMENT ON TABLE key_ledger IS 'Which keys the vault had and when they were destroyed. Never a key.';
COMMENT ON COLUMN key_ledger.kind IS 'encrypt and hash: a day''s keys; case: a month''s key over case keys.';
COMMENT ON COLUMN key_ledger.day IS 'Days since 1970 in Thai time; of a month its first.';
COMMENT ON COLUMN key_ledger.fingerprint IS 'First 8 bytes of a hash of the key: tells keys apart, gives nothing away.';
COMMENT ON COLUMN key_ledger.created_at IS 'When it was noted.';
COMMENT ON COLUMN key_ledger.destroyed_at IS 'When it was destroyed; null: it exists.';

-- ---------------------------------------------------------------------------------------------------- jobs
CREATE TABLE job (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    args jsonb NOT NULL DEFAULT '{}',
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    progress real NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 1),
    message text NOT NULL DEFAULT '',
    error text NOT NULL DEFAULT '',
    attempts int NOT NULL DEFAULT 0,
    attempts_max int NOT NULL DEFAULT 3,
    cancel_requested boolean NOT NULL DEFAULT false,
    worker text,
    lease_until_at timestamptz,
    due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at timestamptz,
    finished_at timestamptz,
    schedule text,
    made_by text NOT NULL DEFAULT ''
);
COMMENT ON TABLE job IS 'Everything that takes over a second or runs on a timer. Channel andaman_job is notified with the id.';
COMMENT ON COLUMN job.id IS 'Counts the jobs.';
COMMENT ON COLUMN job.kind IS 'Name of the handler.';
COMMENT ON COLUMN job.args IS 'Arguments of the handler.';
COMMENT ON COLUMN job.state IS 'queued, running, done, failed or cancelled.';
COMMENT ON COLUMN job.progress IS '0 to 1.';
COMMENT ON COLUMN job.message IS 'What it is doing.';
COMMENT ON COLUMN job.error IS 'Why the last attempt failed; empty: it did not.';
COMMENT ON COLUMN job.attempts IS 'How often it was started.';
COMMENT ON COLUMN job.attempts_max IS 'How often it is started before it has failed.';
COMMENT ON COLUMN job.cancel_requested IS 'Somebody wants it to end; the handler is told.';
COMMENT ON COLUMN job.worker IS 'Who runs it; null: nobody.';
COMMENT ON COLUMN job.lease_until_at IS 'Until when the worker has it; after that another may take it.';
COMMENT ON COLUMN job.due_at IS 'Not before.';
COMMENT ON COLUMN job.created_at IS 'Clock of the database.';
COMMENT ON COLUMN job.started_at IS 'Start of the last attempt.';
COMMENT ON COLUMN job.finished_at IS 'End; null: not yet.';
COMMENT ON COLUMN job.schedule IS 'Schedule that made it; null: somebody asked for it.';
COMMENT ON COLUMN job.made_by IS 'Who asked for it.';
CREATE INDEX job_due ON job (due_at) WHERE state IN ('queued', 'running');
CREATE UNIQUE INDEX job_schedule_once ON job (schedule) WHERE state IN ('queued', 'running');

CREATE TABLE job_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job bigint NOT NULL REFERENCES job ON DELETE CASCADE,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    state text NOT NULL,
    progress real NOT NULL,
    message text NOT NULL
);
COMMENT ON TABLE job_event IS 'History of jobs: every change of state, progress or message.';
COMMENT ON COLUMN job_event.id IS 'Counts the entries.';
COMMENT ON COLUMN job_event.job IS 'Job.';
COMMENT ON COLUMN job_event.at IS 'Clock of the database.';
COMMENT ON COLUMN job_event.state IS 'State from then on.';
COMMENT ON COLUMN job_event.progress IS '0 to 1.';
COMMENT ON COLUMN job_event.message IS 'What it was doing.';
CREATE INDEX job_event_job ON job_event (job, id);

CREATE TABLE job_schedule (
    name text PRIMARY KEY,
    kind text NOT NULL,
    args jsonb NOT NULL DEFAULT '{}',
    every_s double precision NOT NULL CHECK (every_s > 0),
    next_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE job_schedule IS 'Jobs on a timer. A run that is still going is not started twice.';
COMMENT ON COLUMN job_schedule.name IS 'Name of the schedule.';
COMMENT ON COLUMN job_schedule.kind IS 'Name of the handler.';
COMMENT ON COLUMN job_schedule.args IS 'Arguments of the handler.';
COMMENT ON COLUMN job_schedule.every_s IS 'Interval in seconds.';
COMMENT ON COLUMN job_schedule.next_at IS 'When the next job is due.';

CREATE FUNCTION job_note() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'INSERT' OR (OLD.state, OLD.progress, OLD.message) IS DISTINCT FROM (NEW.state, NEW.progress, NEW.message) THEN
        INSERT INTO job_event (job, state, progress, message) VALUES (NEW.id, NEW.state, NEW.progress, NEW.message);
        PERFORM pg_notify('andaman_job', NEW.id::text);
    ELSIF OLD.cancel_requested IS DISTINCT FROM NEW.cancel_requested THEN
        PERFORM pg_notify('andaman_job', NEW.id::text);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION job_note() IS 'Writes the history of a job and wakes who waits for one.';
CREATE TRIGGER job_note AFTER INSERT OR UPDATE ON job FOR EACH ROW EXECUTE FUNCTION job_note();

-- ---------------------------------------------------------------------------------------------------- retention
CREATE FUNCTION retire(relation text, before timestamptz) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    dropped int;
BEGIN
    IF relation NOT IN ('log_reading', 'log_passage', 'log_signal', 'log_status', 'rejection', 'window_1m', 'window_wide', 'late',
                        'live_event') THEN
        RAISE EXCEPTION 'retention does not apply to %', relation;
    END IF;
    dropped := (SELECT count(*) FROM drop_chunks(relation::regclass, older_than => before));
    IF relation = 'rejection' THEN  -- a fate goes with its rejection: one without would wait to be fed in again
        DELETE FROM rejection_fate WHERE received_at < least(before, (
            SELECT min(range_start) FROM timescaledb_information.chunks WHERE hypertable_name = 'rejection'));
    END IF;
    RETURN dropped;
END
$$;
COMMENT ON FUNCTION retire(text, timestamptz) IS 'Drops the chunks of a hypertable that end before a moment and returns how many; only an owner may, so it runs as one.';
REVOKE EXECUTE ON FUNCTION retire(text, timestamptz), audit_append(text, text, text, text, text, text, jsonb) FROM PUBLIC;

-- ---------------------------------------------------------------------------------------------------- who may
DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['andaman_pipeline', 'andaman_api', 'andaman_worker'] LOOP
        IF to_regrole(role) IS NULL THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role);
                RAISE WARNING 'role % was missing and has been made without login: give it a password to use it', role;
            EXCEPTION WHEN insufficient_privilege THEN
                RAISE WARNING 'role % is missing and may not be made here: whoever connects needs the owner''s rights', role;
            WHEN duplicate_object OR unique_violation THEN
                NULL;  -- another database of this server was migrated at the same moment
            END;
        END IF;
    END LOOP;
END $$;

CREATE FUNCTION pg_temp.allow(role text, privilege text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF to_regrole(role) IS NOT NULL THEN
        EXECUTE format('GRANT %s TO %I', privilege, role);
    END IF;
END $$;

-- The pipeline writes the log and its findings, never changes one, and reads neither people nor audit.
SELECT pg_temp.allow('andaman_pipeline', privilege) FROM unnest(ARRAY[
    'SELECT, INSERT ON batch, log_reading, log_passage, log_signal, log_status, rejection, window_1m, window_wide, late, violation, violation_plate, alarm, live_event, key_ledger',
    'SELECT, INSERT, UPDATE (epoch) ON shard',
    'SELECT, INSERT, UPDATE ON latest_value, latest_record',
    'SELECT, INSERT, UPDATE, DELETE ON snapshot, snapshot_field, proposal',
    'SELECT ON city_version, city_current, device, device_revision, rule_revision, window_current, violation_current, alarm_current, job'
]) privilege;

-- The API reads what it shows and writes what people write; audit only through its function.
SELECT pg_temp.allow('andaman_api', privilege) FROM unnest(ARRAY[
    'SELECT ON ALL TABLES IN SCHEMA public',
    'INSERT ON alarm_handling, violation_review, city_version, device, device_credential',
    'DELETE, UPDATE (dismissed_at, dismissed_by) ON proposal',
    'INSERT, UPDATE ON app_user, job, job_schedule',
    'INSERT, UPDATE, DELETE ON session',
    'EXECUTE ON FUNCTION audit_append(text, text, text, text, text, text, jsonb)'
]) privilege;

-- The worker runs jobs, retention among them.
SELECT pg_temp.allow('andaman_worker', privilege) FROM unnest(ARRAY[
    'SELECT ON shard, batch, log_reading, log_passage, log_signal, log_status, rejection, window_1m, window_wide, late, violation, alarm',
    'SELECT ON city_version, city_current, device, snapshot, snapshot_field, job, job_event, job_schedule, key_ledger, session',
    'SELECT, INSERT, UPDATE ON rejection_fate',
    'INSERT, UPDATE, DELETE ON job, job_schedule',
    'DELETE ON batch, snapshot, snapshot_field, session',
    'SELECT ON device_credential',
    'SELECT, INSERT, UPDATE ON broker_accounts',
    'INSERT, UPDATE (destroyed_at) ON key_ledger',
    'EXECUTE ON FUNCTION retire(text, timestamptz), audit_append(text, text, text, text, text, text, jsonb)'
]) privilege;
DROP FUNCTION pg_temp.allow(text, text);
