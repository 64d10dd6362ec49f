-- What became of rejections that were fed in again. So that one can be named, each has its place in its batch.

ALTER TABLE rejection ADD COLUMN i int NOT NULL DEFAULT 0;
UPDATE rejection r SET i = counted.place
FROM (SELECT tableoid, ctid, row_number() OVER (PARTITION BY shard, n) - 1 AS place FROM rejection) counted
WHERE r.tableoid = counted.tableoid AND r.ctid = counted.ctid AND counted.place > 0;
COMMENT ON COLUMN rejection.i IS 'Place among the rejections of its batch.';
COMMENT ON COLUMN rejection.payload IS 'First 65,536 bytes of the payload, sealed under the day''s key: it may hold a plate.';

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

CREATE OR REPLACE FUNCTION retire(relation text, before timestamptz) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF relation NOT IN ('log_reading', 'log_passage', 'log_signal', 'log_status', 'rejection', 'window_1m', 'window_wide', 'late',
                        'live_event') THEN
        RAISE EXCEPTION 'retention does not apply to %', relation;
    END IF;
    IF relation = 'rejection' THEN
        DELETE FROM rejection_fate WHERE received_at < before;
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

SELECT pg_temp.allow('andaman_api', 'SELECT ON rejection_fate');
SELECT pg_temp.allow('andaman_worker', 'SELECT, INSERT, UPDATE ON rejection_fate');
DROP FUNCTION pg_temp.allow(text, text);
