-- Unknown devices become proposals; credentials of devices; what the broker has taken of them.

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

CREATE FUNCTION pg_temp.allow(role text, privilege text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF to_regrole(role) IS NOT NULL THEN
        EXECUTE format('GRANT %s TO %I', privilege, role);
    END IF;
END $$;

SELECT pg_temp.allow('andaman_pipeline', 'SELECT, INSERT, UPDATE, DELETE ON proposal');
SELECT pg_temp.allow('andaman_api', privilege) FROM unnest(ARRAY[
    'SELECT, DELETE, UPDATE (dismissed_at, dismissed_by) ON proposal',
    'SELECT, INSERT ON device_credential',
    'SELECT ON broker_accounts'
]) privilege;
SELECT pg_temp.allow('andaman_worker', privilege) FROM unnest(ARRAY[
    'SELECT ON device_credential',
    'SELECT, INSERT, UPDATE ON broker_accounts'
]) privilege;
DROP FUNCTION pg_temp.allow(text, text);
