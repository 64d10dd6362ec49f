-- Windows wider than a minute, what a revision of a window added, and the records that came too late for any.

-- Rows from before count nothing: the default says so without touching them.
ALTER TABLE window_1m ADD COLUMN added bigint NOT NULL DEFAULT -1;
COMMENT ON COLUMN window_1m.added IS 'Samples that are new in this revision; -1: said before they were counted.';

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

DROP VIEW window_current;
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

CREATE OR REPLACE FUNCTION retire(relation text, before timestamptz) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF relation NOT IN ('log_reading', 'log_passage', 'log_signal', 'log_status', 'rejection', 'window_1m', 'window_wide', 'late',
                        'live_event') THEN
        RAISE EXCEPTION 'retention does not apply to %', relation;
    END IF;
    RETURN (SELECT count(*) FROM drop_chunks(relation::regclass, older_than => before));
END
$$;

CREATE FUNCTION pg_temp.allow(role text, privilege text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF to_regrole(role) IS NOT NULL THEN
        EXECUTE format('GRANT %s TO %I', privilege, role);
    END IF;
END $$;

SELECT pg_temp.allow('andaman_pipeline', privilege) FROM unnest(ARRAY[
    'SELECT, INSERT ON window_wide, late',
    'SELECT ON window_current'
]) privilege;
SELECT pg_temp.allow('andaman_api', 'SELECT ON window_wide, late, window_current');
SELECT pg_temp.allow('andaman_worker', 'SELECT ON window_wide, late');
DROP FUNCTION pg_temp.allow(text, text);
