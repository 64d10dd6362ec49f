-- Makes the product's roles and its database on a TimescaleDB of one's own, as its superuser:
--
--     psql -v ON_ERROR_STOP=1 -f roles.sql "postgresql://postgres@host/postgres"
--
-- with the four passwords in the environment (secrets.env.example). It may run again: passwords are set anew. Each role
-- gets its rights from the migrations (`andaman migrate`). The official image runs it when it makes its cluster.
\getenv owner OWNER_PASSWORD
\getenv pipeline PIPELINE_PASSWORD
\getenv api API_PASSWORD
\getenv worker WORKER_PASSWORD

SET log_statement = 'none'; -- passwords do not belong into a log
SELECT 'CREATE ROLE ' || name FROM (VALUES ('andaman_owner'), ('andaman_pipeline'), ('andaman_api'), ('andaman_worker'))
    AS wanted (name) WHERE name NOT IN (SELECT rolname FROM pg_roles) \gexec
ALTER ROLE andaman_owner LOGIN PASSWORD :'owner';
ALTER ROLE andaman_pipeline LOGIN PASSWORD :'pipeline';
ALTER ROLE andaman_api LOGIN PASSWORD :'api';
ALTER ROLE andaman_worker LOGIN PASSWORD :'worker';

SELECT 'CREATE DATABASE andaman OWNER andaman_owner' WHERE NOT EXISTS
    (SELECT FROM pg_database WHERE datname = 'andaman') \gexec
REVOKE ALL ON DATABASE andaman FROM PUBLIC;
GRANT CONNECT ON DATABASE andaman TO andaman_pipeline, andaman_api, andaman_worker;
REVOKE CONNECT ON DATABASE postgres FROM PUBLIC;

\connect andaman
CREATE EXTENSION IF NOT EXISTS timescaledb;
