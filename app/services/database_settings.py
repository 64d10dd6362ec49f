"""The embedded server's configuration: durable always, sized for two cores that broker, pipeline and API share."""

from pathlib import Path

CONNECTIONS_MAX = 60  # pipeline 4, worker 4, API pool 20, a second city's worth again, and tests
# Whoever connects proves a password; there is no other way in, for the superuser neither.
HOST_BASED_ACCESS = """local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
"""

# The migrations give each role its rights; here it gets a name, a password and the right to connect.
ROLES_SQL = """
SET log_statement = 'none';
ALTER ROLE postgres PASSWORD '{superuser}';
SELECT 'CREATE ROLE ' || name FROM (VALUES ('andaman_owner'), ('andaman_pipeline'), ('andaman_api'), ('andaman_worker'))
    AS wanted (name) WHERE name NOT IN (SELECT rolname FROM pg_roles) \\gexec
ALTER ROLE andaman_owner LOGIN PASSWORD '{owner}';
ALTER ROLE andaman_pipeline LOGIN PASSWORD '{pipeline}';
ALTER ROLE andaman_api LOGIN PASSWORD '{api}';
ALTER ROLE andaman_worker LOGIN PASSWORD '{worker}';
SELECT 'CREATE DATABASE andaman OWNER andaman_owner' WHERE NOT EXISTS
    (SELECT FROM pg_database WHERE datname = 'andaman') \\gexec
REVOKE ALL ON DATABASE andaman FROM PUBLIC;
GRANT CONNECT ON DATABASE andaman TO andaman_pipeline, andaman_api, andaman_worker;
REVOKE CONNECT ON DATABASE postgres FROM PUBLIC;
"""


def server_settings(port: int, sockets: Path, logs: Path, shared_buffers_mb: int, workers: int) -> str:
    """The text of `postgresql.conf`."""
    return f"""# Written at every start by app/services/database_settings.py: change it there.
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{_quoted(sockets)}'
max_connections = {CONNECTIONS_MAX}
password_encryption = 'scram-sha-256'

# What was acknowledged is on the disk.
fsync = on
full_page_writes = on
synchronous_commit = on

# 24 GiB and two cores are shared by everything that the city runs.
shared_buffers = {shared_buffers_mb}MB
effective_cache_size = {4 * shared_buffers_mb}MB
work_mem = 16MB
maintenance_work_mem = 128MB
random_page_cost = 1.1
effective_io_concurrency = 64
jit = off                                # our queries are short; compiling them costs more than it saves
max_worker_processes = 12
max_parallel_workers = 2
max_parallel_workers_per_gather = 1
autovacuum_max_workers = 2
wal_compression = pglz
wal_buffers = 16MB
max_wal_size = 2GB
min_wal_size = 256MB
checkpoint_timeout = 10min
checkpoint_completion_target = 0.9
client_connection_check_interval = 2s    # a query whose client died ends

shared_preload_libraries = 'timescaledb'
timescaledb.telemetry_level = off
timescaledb.max_background_workers = {workers}

timezone = 'UTC'
log_timezone = 'UTC'
datestyle = 'iso, ymd'

# A week of logs, one file a day. No statement and no detail is written, since both can hold a plate.
logging_collector = on
log_directory = '{_quoted(logs)}'
log_filename = 'database-%a.log'
log_rotation_age = 1d
log_rotation_size = 0
log_truncate_on_rotation = on
log_min_messages = warning
log_min_error_statement = panic
log_error_verbosity = terse
log_parameter_max_length = 0
log_line_prefix = '%m [%p] %u@%d '
"""


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
