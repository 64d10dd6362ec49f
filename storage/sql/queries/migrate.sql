-- lock --
-- One migration at a time in this database, until the connection ends.
SELECT pg_advisory_lock(hashtext('andaman.migrate'));

-- prepare_ledger --
-- The list of migrations that were carried out.
CREATE TABLE IF NOT EXISTS migration (
    name text PRIMARY KEY,
    done_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- ledger_exists --
-- Whether the database was ever migrated.
SELECT to_regclass('migration') IS NOT NULL;

-- done --
-- Names of the migrations that were carried out.
SELECT name FROM migration;

-- note --
-- Remember a migration.
INSERT INTO migration (name) VALUES (%(name)s);

-- edition --
-- Edition of TimescaleDB: `apache` or `timescale` (Community).
SELECT current_setting('timescaledb.license', true);
