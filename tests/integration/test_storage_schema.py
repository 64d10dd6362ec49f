"""The schema is what it says: migrations make what schema.sql shows, every column is explained, nobody may too much."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import psycopg
import pytest

from contracts.errors import StorageError
from storage import migrate as migrating
from storage.migrate import migrate, migrations, pending
from storage.queries import statements

ROOT = Path(__file__).parents[2]
SUBJECTS = sorted(entry.name.removesuffix(".sql") for entry in (ROOT / "storage/sql/queries").iterdir())
PARAMETER = re.compile(r"%\((\w+)\)s")
PREPARED = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")

CATALOG = {
    "columns": """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attstorage,
               pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum)
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (c.oid, a.attnum)
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v') AND a.attnum > 0
          AND NOT a.attisdropped""",
    "tables": """
        SELECT relname, relkind, reloptions, obj_description(oid), ARRAY(SELECT unnest(relacl)::text ORDER BY 1)
        FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')""",
    "column grants": """
        SELECT attrelid::regclass::text, attname, attacl::text FROM pg_attribute
        JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = 'public'::regnamespace AND attacl IS NOT NULL""",
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace""",
    "views": "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'",
    "functions": """
        SELECT proname, pg_get_functiondef(p.oid), proacl::text, obj_description(p.oid) FROM pg_proc p
        WHERE pronamespace = 'public'::regnamespace AND NOT EXISTS (
            SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e')""",
    "triggers": """
        SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
        WHERE NOT tgisinternal AND c.relnamespace = 'public'::regnamespace""",
    "hypertables": "SELECT hypertable_name, compression_enabled FROM timescaledb_information.hypertables",
    "chunk times": """
        SELECT hypertable_name, column_name, time_interval FROM timescaledb_information.dimensions""",
    "policies": """
        SELECT proc_name, hypertable_name, config FROM timescaledb_information.jobs
        WHERE hypertable_name IS NOT NULL""",
}


@pytest.fixture(scope="module")
def owner(dsn: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


def catalog(connection: psycopg.Connection[Any]) -> dict[str, set[str]]:
    rows = {name: connection.execute(query.encode()).fetchall() for name, query in CATALOG.items()}
    return {name: {str(row) for row in found if row[0] != "migration"} for name, found in rows.items()}


def test_migrations_make_what_the_readable_schema_shows(
    owner: psycopg.Connection[Any], database: Any, database_maker: Any
) -> None:
    name = database_maker.make(migrated=False)
    with psycopg.connect(database.dsn("owner", name), autocommit=True) as connection:
        connection.execute(files("storage").joinpath("sql/schema.sql").read_bytes())
        shown, made = catalog(connection), catalog(owner)
    database_maker.drop(name)
    assert len(made["columns"]) > 200
    for subject in CATALOG:
        # The list of migrations is the loader's, not the schema's.
        assert {row for row in made[subject] if "migration" not in row} == shown[subject], subject


def test_migrating_again_does_nothing(dsn: str) -> None:
    assert all("skipped" in line for line in migrate(dsn))
    assert pending(dsn) == []


def test_what_the_edition_lacks_is_skipped_visibly(owner: psycopg.Connection[Any], dsn: str) -> None:
    row = owner.execute("SELECT current_setting('timescaledb.license')").fetchone()
    skipped = [line for line in migrate(dsn) if "not the Community edition" in line]
    expected = [] if row == ("timescale",) else [m.name for m in migrations() if m.community]
    assert [line.split(":")[0] for line in skipped] == expected


def test_a_database_newer_than_the_program_is_refused(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("INSERT INTO migration (name) VALUES ('9999_later.sql')")
        with pytest.raises(StorageError, match="9999_later"):
            migrate(dsn)
        connection.execute("DELETE FROM migration WHERE name = '9999_later.sql'")


def test_a_refused_migration_leaves_nothing(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = migrating.Migration("9998_broken.sql", "CREATE TABLE half_done (x int); SELECT 1 / 0", False)
    monkeypatch.setattr(migrating, "migrations", lambda: (*migrations(), broken))
    with pytest.raises(StorageError, match="9998_broken"):
        migrate(dsn)
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT to_regclass('half_done')").fetchone() == (None,)


def test_every_table_and_column_says_what_it_is(owner: psycopg.Connection[Any]) -> None:
    silent = owner.execute("""
        SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relname <> 'migration' AND a.attnum > 0
          AND (c.relkind = 'r' AND col_description(c.oid, a.attnum) IS NULL
               OR c.relkind IN ('r', 'v') AND obj_description(c.oid) IS NULL)""").fetchall()
    assert silent == []


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_statement_is_one_that_the_database_takes(owner: psycopg.Connection[Any], subject: str) -> None:
    for text in statements(subject).values():
        verb = next(line for line in text.splitlines() if not line.startswith("--")).split()[0]
        numbers: dict[str, int] = {}
        numbered = PARAMETER.sub(partial(_number, numbers), text).replace("%%", "%")
        with owner.transaction(force_rollback=True):
            # What cannot be prepared (LISTEN, CREATE) is carried out and undone.
            owner.execute(numbered if verb not in PREPARED else f"PREPARE checked AS {numbered}", prepare=False)
            owner.execute("DEALLOCATE ALL")


def _number(numbers: dict[str, int], match: re.Match[str]) -> str:
    return f"${numbers.setdefault(match[1], len(numbers) + 1)}"


@pytest.mark.parametrize("subject", SUBJECTS)
def test_no_statement_is_left_unused(subject: str) -> None:
    sources = "\n".join(path.read_text("utf-8") for path in (ROOT / "storage").glob("*.py"))
    assert f'statements("{subject}")' in sources
    words = set(re.findall(r'"(\w+)"', sources))
    beginnings = tuple(set(re.findall(r'f"(\w+_)\{\w+\}"', sources)))
    assert [name for name in statements(subject) if name not in words and not name.startswith(beginnings)] == []


FORBIDDEN = {
    "pipeline": [
        "DELETE FROM log_reading",
        "UPDATE log_passage SET place = 0",
        "UPDATE violation SET zone = ''",
        "DELETE FROM alarm",
        "DELETE FROM batch",
        "UPDATE key_ledger SET day = 0",
        "SELECT * FROM app_user",
        "SELECT * FROM audit",
        "SELECT audit_append('a', '', '', '', '', '', '{}')",
        "SELECT retire('log_reading', now())",
        "SELECT * FROM device_credential",
        "SELECT * FROM rejection_fate",
        "UPDATE rejection SET reason = ''",
        "DELETE FROM broker_accounts",
    ],
    "api": [
        "INSERT INTO log_signal SELECT * FROM log_signal",
        "DELETE FROM violation",
        "UPDATE violation_review SET note = ''",
        "DELETE FROM alarm_handling",
        "INSERT INTO audit SELECT * FROM audit",
        "UPDATE audit SET actor = ''",
        "DELETE FROM audit",
        "UPDATE city_version SET version = 0",
        "SELECT retire('log_reading', now())",
        "DELETE FROM device_credential",
        "UPDATE proposal SET device = ''",
        "DELETE FROM rejection",
        "DELETE FROM rejection_fate",
        "DELETE FROM broker_accounts",
    ],
    "worker": [
        "SELECT * FROM app_user",
        "SELECT * FROM violation_plate",
        "SELECT * FROM audit",
        "DELETE FROM violation",
        "DELETE FROM log_passage",
        "UPDATE key_ledger SET fingerprint = ''",
        "DELETE FROM key_ledger",
        "INSERT INTO app_user (name, role, password_hash) VALUES ('x', 'admin', '')",
        "DELETE FROM audit",
        "SELECT * FROM proposal",
        "DELETE FROM device_credential",
        "DELETE FROM rejection",
        "DELETE FROM rejection_fate",
    ],
}


@pytest.mark.parametrize(("role", "statement"), [(role, line) for role, lines in FORBIDDEN.items() for line in lines])
def test_a_role_may_not_do_what_is_not_its_work(role_dsn: Callable[[str], str], role: str, statement: str) -> None:
    with psycopg.connect(role_dsn(role)) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement.encode())


def test_retention_drops_chunks_of_telemetry_and_of_nothing_else(role_dsn: Callable[[str], str]) -> None:
    with psycopg.connect(role_dsn("worker"), autocommit=True) as connection:
        assert connection.execute("SELECT retire('log_reading', now())").fetchone() == (0,)
        with pytest.raises(psycopg.errors.RaiseException, match="does not apply"):
            connection.execute("SELECT retire('violation', now())")


def test_what_became_of_a_rejection_is_known_as_long_as_the_rejection(
    owner: psycopg.Connection[Any], role_dsn: Callable[[str], str]
) -> None:
    for n, day in ((1, "2026-01-01 22:00+00"), (2, "2026-01-02 01:00+00"), (3, "2026-01-02 22:00+00")):
        owner.execute("INSERT INTO rejection VALUES (9, %s, 'schema', '', '', '', -1, %s, -1, 0, 0, 0)", (n, day))
        owner.execute("INSERT INTO rejection_fate VALUES (9, %s, 0, %s, 'accepted', '', '', 1)", (n, day))
    left = "SELECT array_agg(n ORDER BY n) FROM {} WHERE shard = 9"
    with psycopg.connect(role_dsn("worker"), autocommit=True) as connection:
        assert connection.execute("SELECT retire('rejection', '2026-01-02 12:00+00')").fetchone() == (1,)
        for table in ("rejection", "rejection_fate"):
            assert connection.execute(left.format(table).encode()).fetchone() == ([2, 3],), table
        assert connection.execute("SELECT retire('rejection', now())").fetchone() == (1,)
        for table in ("rejection", "rejection_fate"):
            assert connection.execute(left.format(table).encode()).fetchone() == (None,), table


def audit(connection: psycopg.Connection[Any], actor: str) -> int:
    row = connection.execute(
        "SELECT audit_append(%s, 'police', 'reveal', 'violation', 'court case', '1/2570', '{\"a\": 1.50}')", (actor,)
    ).fetchone()
    assert row is not None
    return int(row[0])


def test_the_audit_log_is_a_chain_and_an_altered_row_breaks_it(role_dsn: Callable[[str], str]) -> None:
    with psycopg.connect(role_dsn("api"), autocommit=True) as connection:
        assert [audit(connection, actor) for actor in ("somchai", "malee", "somchai")] == [1, 2, 3]
        assert connection.execute("SELECT audit_first_broken()").fetchone() == (None,)
    with psycopg.connect(role_dsn("superuser"), autocommit=True) as connection:
        for damage, broken in (("UPDATE audit SET purpose = '' WHERE n = 2", 2), ("DELETE FROM audit WHERE n = 2", 3)):
            connection.execute(damage.encode())
            assert connection.execute("SELECT audit_first_broken()").fetchone() == (broken,)


def test_devices_and_rules_are_revised_where_their_entry_changed(owner: psycopg.Connection[Any]) -> None:
    contents = (
        '{"devices": [{"id": "a", "no": 1, "note": ""}, {"id": "b", "no": 2}], "rules": [{"id": "r"}]}',
        '{"devices": [{"id": "a", "no": 1, "note": "moved"}, {"id": "b", "no": 2}], "rules": [{"id": "r"}]}',
    )
    for version, content in enumerate(contents, 1):
        owner.execute("INSERT INTO city_version VALUES ('c', %s, %s, now(), 'test')", (version, content))
    found = owner.execute("SELECT id, no, version FROM device_revision WHERE city = 'c' ORDER BY 1, 3").fetchall()
    assert found == [("a", 1, 1), ("a", 1, 2), ("b", 2, 1)]
    assert owner.execute("SELECT id, version FROM rule_revision WHERE city = 'c'").fetchall() == [("r", 1)]
