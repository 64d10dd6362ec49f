-- Columnstore for log rows and windows that are only read any more. TimescaleDB's Community edition alone has it; the
-- Apache edition skips this file, and everything else works without it.

ALTER TABLE log_reading SET (timescaledb.compress, timescaledb.compress_segmentby = 'shard', timescaledb.compress_orderby = 'n, place');
ALTER TABLE log_passage SET (timescaledb.compress, timescaledb.compress_segmentby = 'shard', timescaledb.compress_orderby = 'n, place');
ALTER TABLE window_1m SET (timescaledb.compress, timescaledb.compress_segmentby = 'device, metric, lane', timescaledb.compress_orderby = 'start_at DESC, revision DESC');

-- A week: beyond every recovery, late record and amended window.
SELECT add_compression_policy('log_reading', INTERVAL '7 days');
SELECT add_compression_policy('log_passage', INTERVAL '7 days');
SELECT add_compression_policy('window_1m', INTERVAL '14 days');
