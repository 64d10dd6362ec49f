-- Columnstore for wide windows, as for minutes: TimescaleDB's Community edition alone has it.

ALTER TABLE window_wide SET (timescaledb.compress, timescaledb.compress_segmentby = 'device, metric, lane, width_s', timescaledb.compress_orderby = 'start_at DESC, revision DESC');

-- Three months: no chunk of six weeks is closed before, and a day is amended for a day at most.
SELECT add_compression_policy('window_wide', INTERVAL '90 days');
