"""What is written by binary COPY reads back bit for bit."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import sql

from contracts.columns import DTYPES, PASSAGE, READING, STATUS, Columns
from contracts.errors import StorageError
from storage.arrays import Float8s, Int2s, Int4s, Int8s, Moments
from storage.connection import Connection, connect
from storage.copying import (
    LATES,
    LOGS,
    MINUTES,
    POSTGRES_EPOCH_US,
    STORED_WINDOW,
    WIDE_WINDOWS,
    Layout,
    decode,
    encode,
)
from storage.writer import copy_in
from tests.fixtures.log_rows import any_rows

LAYOUTS = [*LOGS.values(), MINUTES, WIDE_WINDOWS, LATES]


@pytest.fixture(scope="module")
def connection(dsn: str) -> Iterator[Connection]:
    with connect(dsn, "test") as opened:
        for layout in LAYOUTS:  # without partitions: arbitrary times would make a chunk each
            opened.execute(f"CREATE TABLE plain_{layout.table} (LIKE {layout.table} INCLUDING DEFAULTS)".encode())
        yield opened


def there_and_back(connection: Connection, layout: Layout, rows: Columns) -> tuple[Columns, Columns]:
    plain = Layout(f"plain_{layout.table}", layout.dtype, layout.columns, layout.row)
    table = sql.Identifier(plain.table)
    with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        with cursor.copy(copy_in(plain)) as copy:
            copy.write(encode(plain, rows, 3, 7))
        columns = sql.SQL(", ").join(sql.Identifier(name) for name in plain.selected)
        out = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT (FORMAT BINARY)").format(columns, table)
        with cursor.copy(out) as copy:
            return decode(plain, b"".join(copy))


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: str(layout.table))
@given(size=st.integers(0, 40), seed=st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_any_row_of_a_table_reads_back_bit_for_bit(
    connection: Connection, layout: Layout, size: int, seed: int
) -> None:
    rows = any_rows(layout.dtype, size, seed)
    ns, again = there_and_back(connection, layout, rows)
    assert again.tobytes() == rows.tobytes()
    assert ns.tolist() == [7] * size


@pytest.mark.parametrize(
    "bits",
    [0x7FF0000000000001, 0x7FF8000000000123, 0xFFF8000000000000, 0x8000000000000000, 1, 0x7FEFFFFFFFFFFFFF],
    ids=["signalling-nan", "nan-payload", "negative-nan", "minus-zero", "subnormal", "greatest"],
)
def test_a_float_travels_as_its_bits(connection: Connection, bits: int) -> None:
    rows = np.zeros(1, READING)
    rows["value"].view(np.uint64)[:] = bits
    _, again = there_and_back(connection, LOGS["reading"], rows)
    assert int(again["value"].view(np.uint64)[0]) == bits


def test_moments_mean_the_same_to_the_database_as_to_us(connection: Connection) -> None:
    rows = np.zeros(1, READING)
    rows["event_us"] = 1_800_000_000_123_456
    with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        with cursor.copy(copy_in(LOGS["reading"])) as copy:
            copy.write(encode(LOGS["reading"], rows, 1, 1))
        row = cursor.execute("SELECT event_at::text FROM log_reading").fetchone()
    assert row == ("2027-01-15 08:00:00.123456+00",)


def test_a_text_that_is_not_padded_ascii_is_refused_by_name() -> None:
    with pytest.raises(StorageError, match="firmware"):
        encode(LOGS["status"], np.zeros(1, STATUS), 1, 1)


def test_a_time_before_all_that_the_database_holds_is_refused_by_name() -> None:
    rows = np.zeros(1, READING)
    rows["event_us"] = -(2**63)
    with pytest.raises(StorageError, match="event_us"):
        encode(LOGS["reading"], rows, 1, 1)


@pytest.mark.parametrize("damage", [slice(0, 1), slice(-2, None), slice(20, 24)], ids=["header", "trailer", "length"])
def test_bytes_that_are_no_rows_are_refused(connection: Connection, damage: slice) -> None:
    layout = LOGS["reading"]
    out = b"COPY (SELECT 1::bigint, 2) TO STDOUT (FORMAT BINARY)"
    with connection.cursor() as cursor, cursor.copy(out) as copy:
        foreign = b"".join(copy)
    with pytest.raises(StorageError, match="log_reading"):
        decode(layout, foreign)
    with pytest.raises(StorageError, match="log_reading"):
        decode(layout, foreign[damage])


@pytest.mark.parametrize("dtype", [*DTYPES.values(), STORED_WINDOW], ids=[*DTYPES, "window"])
def test_a_row_is_as_wide_as_its_columns_and_their_lengths(dtype: np.dtype[np.void]) -> None:
    layout = next(layout for layout in LAYOUTS if layout.dtype is dtype)
    names = dtype.names or ()
    assert layout.row.itemsize == 2 + 4 * (len(names) + 2) + 4 + 8 + sum(dtype[name].itemsize for name in names)
    assert len(encode(layout, np.zeros(0, dtype), 1, 1)) == 21


def test_array_parameters_are_what_the_database_takes_them_for(connection: Connection) -> None:
    floats = np.array([1.5, -0.0, np.nan])
    row = connection.execute(
        "SELECT %s, %s, %s, %s::float8[]::text, %s",
        (
            Int2s.of(np.array([1, -2], np.int16)),
            Int4s.of(np.array([3], np.int32)),
            Int8s.of(np.array([2**62, -1])),
            Float8s.of(floats),
            Moments.of(np.array([POSTGRES_EPOCH_US])),
        ),
    ).fetchone()
    assert row is not None
    assert row[:4] == ([1, -2], [3], [2**62, -1], "{1.5,-0,NaN}")
    assert [moment.isoformat() for moment in row[4]] == ["2000-01-01T00:00:00+00:00"]


def test_every_column_of_the_log_has_its_place_in_the_table(connection: Connection) -> None:
    for layout in LAYOUTS:
        known = connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum",
            (layout.table,),
        ).fetchall()
        # Minutes got `added` by a later migration, at the end; COPY names the columns, so order is for people.
        assert sorted(name for (name,) in known) == sorted(layout.columns)
    assert PASSAGE.names is not None
