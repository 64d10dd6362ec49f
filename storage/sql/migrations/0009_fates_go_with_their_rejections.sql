-- What became of a rejection was forgotten up to a day before the rejection itself, which then waited again.

CREATE OR REPLACE FUNCTION retire(relation text, before timestamptz) RETURNS int
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
