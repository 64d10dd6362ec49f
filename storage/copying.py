"""NumPy record arrays to PostgreSQL's binary COPY and back: bit for bit, no Python per row.

A row of fixed width in binary COPY is itself a packed record: a count of fields, then for each field its length and
its bytes, big-endian. So a batch is one array of that record, filled by a kernel, and reading back is a view of the
bytes. Floats travel as their bits (NaN payloads and -0.0 survive). Microseconds since 1970 (`*_us`) become
timestamptz, which counts them from 2000, and lose nothing. Format: PostgreSQL manual, COPY, "Binary Format".
"""

import struct
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.columns import DTYPES, LATE, WINDOW, Columns
from contracts.errors import StorageError
from storage.packing import pack

HEADER: Final = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
TRAILER: Final = struct.pack(">h", -1)

WORD: Final = 2
"""Bytes that `packing` moves at once: every field of ours is made of them, and begins at an even place."""
PADDING: Final = len(HEADER) % WORD
"""Before the header, so that rows begin at an even place too."""

POSTGRES_EPOCH_US: Final = 946_684_800_000_000
"""2000-01-01 UTC, from where timestamptz counts."""
LEAST_TIME_US: Final = -210_866_803_200_000_000
"""The first moment timestamptz has (4713 BC). The last, in 294276, lies beyond int64 microseconds since 1970."""

_SIZES: Final = {"i": {2: ">i2", 4: ">i4", 8: ">i8"}, "f": {8: ">i8"}}
"""How a number travels; floats as the integer of the same bits, so that nothing ever interprets them."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How the rows of one dtype travel: after `shard` and `n`, their columns in order."""

    table: str
    dtype: np.dtype[np.void]
    columns: tuple[str, ...]
    row: np.dtype[np.void]

    @property
    def selected(self) -> tuple[str, ...]:
        """What a COPY out must select for `decode`: `n` and the columns."""
        return self.columns[1:]


def _layout(table: str, dtype: np.dtype[np.void]) -> Layout:
    names = dtype.names or ()
    columns = ("shard", "n", *(_column(name) for name in names))
    return Layout(table, dtype, columns, _row([("shard", ">i4"), ("n", ">i8")], dtype))


@cache
def _sources(layout: Layout) -> npt.NDArray[np.int64]:
    """From where in a row of ours the words of its packed record come, as `pack` takes it: texts as they lie, numbers
    turned round."""
    sources = np.full(layout.row.itemsize // WORD, -1, np.int64)
    for name in layout.dtype.names or ():
        field = layout.dtype[name]
        first, to = _place(layout.dtype, name), _place(layout.row, name)
        places, turned = first + np.arange(field.itemsize // WORD), field.kind in _SIZES
        sources[to : to + places.size] = 2 * (places[::-1] if turned else places) + turned
    return sources


def _place(dtype: np.dtype[np.void], name: str) -> int:
    """The word with which a field begins."""
    assert dtype.fields is not None
    return dtype.fields[name][1] // WORD


def _column(name: str) -> str:
    return name.removesuffix("_us") + "_at" if name.endswith("_us") else name


def _row(before: list[tuple[str, str]], dtype: np.dtype[np.void]) -> np.dtype[np.void]:
    """The packed record of a row: `fields`, then for each column its length under a name nobody else has."""
    packed: list[tuple[str, str]] = [("(fields)", ">i2")]
    own = [(name, _wire(dtype[name])) for name in dtype.names or ()]
    for name, wire in (*before, *own):
        packed += [(f"({name})", ">i4"), (name, wire)]
    return np.dtype(packed)


def _wire(field: np.dtype[np.generic]) -> str:
    if field.kind in _SIZES:
        return _SIZES[field.kind][field.itemsize]
    return f"V{field.itemsize}"


LOGS: Final = {kind: _layout(f"log_{kind}", dtype) for kind, dtype in DTYPES.items()}
_NARROW: Final = {"device": "i4", "metric": "i2", "lane": "i2", "width_s": "i4", "revision": "i4"}
_NOT_STORED: Final = {"place", "said_us", "added_sum"}
STORED_WINDOW: Final = np.dtype(
    [(name, _NARROW.get(name, WINDOW[name].str)) for name in WINDOW.names or () if name not in _NOT_STORED]
)
"""A window as its table has it: what can be counted in less than eight bytes, and nothing of the engine's own."""
MINUTES: Final = _layout(
    "window_1m", np.dtype([(name, STORED_WINDOW[name]) for name in STORED_WINDOW.names or () if name != "width_s"])
)
"""Windows of a minute: their table has no width, it is always the same."""
WIDE_WINDOWS: Final = _layout("window_wide", STORED_WINDOW)
LATES: Final = _layout("late", LATE)


def encode(layout: Layout, rows: Columns, shard: int, n: int) -> memoryview:
    """The rows as the body of a binary COPY.

    Raises:
        StorageError: a time lies before everything the database can hold, or a text is not printable ASCII.
    """
    template = _template(layout.row)
    template["shard"], template["n"] = shard, n
    body = np.empty(PADDING + len(HEADER) + rows.size * layout.row.itemsize + len(TRAILER), np.uint8)
    start, stop = PADDING + len(HEADER), body.size - len(TRAILER)
    body[PADDING:start], body[stop:] = list(HEADER), list(TRAILER)
    words, width = _stored(layout, rows).view(np.uint16), layout.dtype.itemsize // WORD
    pack(words, width, template.reshape(1).view(np.uint16), _sources(layout), body[start:stop].view(np.uint16))
    return memoryview(body)[PADDING:]  # type: ignore[arg-type]  # an array offers its buffer


def _stored(layout: Layout, rows: Columns) -> Columns:
    """A copy of the rows as the table has them, but for the order of bytes."""
    names = layout.dtype.names or ()
    if rows.dtype == layout.dtype:
        stored = rows.copy()
    else:
        stored = np.empty(rows.size, layout.dtype)
        for name in names:
            stored[name] = rows[name]
    for name in names:
        if name.endswith("_us") or layout.dtype[name].kind == "S":
            stored[name] = outward(name, stored[name]).view(layout.dtype[name])
    return stored


def decode(layout: Layout, body: bytes) -> tuple[npt.NDArray[np.int64], Columns]:
    """The batch numbers int64 (n,) and the rows of a binary COPY out of `layout.selected`.

    Raises:
        StorageError: the bytes are not of this layout.
    """
    row = _row([("n", ">i8")], layout.dtype)
    extension = struct.unpack_from(">i", body, 15)[0] if body.startswith(HEADER[:11]) else -1
    start, stop = len(HEADER) + extension, len(body) - len(TRAILER)
    if extension < 0 or (stop - start) % row.itemsize or body[stop:] != TRAILER:
        raise StorageError(f"{layout.table}: the database answered with bytes that are no rows of this table")
    packed = np.frombuffer(body, row, (stop - start) // row.itemsize, start)
    template = _template(row)
    for name in row.names or ():
        if name.startswith("(") and not (packed[name] == template[name]).all():
            raise StorageError(f"{layout.table}: {name} of a row has a length that it cannot have")
    rows = np.empty(packed.size, layout.dtype)
    for name in layout.dtype.names or ():
        _inward(name, packed[name], rows)
    return packed["n"].astype(np.int64), rows


def _template(row: np.dtype[np.void]) -> Columns:
    """A row with its count of fields and their lengths filled in."""
    template = np.zeros((), row)
    names = row.names or ()
    template["(fields)"] = len(names) // 2
    for name in names[1::2]:
        template[name] = row[name.strip("()")].itemsize
    return template


def outward(name: str, values: Columns) -> Columns:
    """A column as it travels: floats as bits, text as bytes, `*_us` counted from 2000.

    Raises:
        StorageError: a time lies before everything the database can hold, or a text is not printable ASCII.
    """
    if values.dtype.kind == "f":
        return values.view(np.int64)
    if values.dtype.kind == "S":
        letters = np.ascontiguousarray(values).view(np.uint8)
        if ((letters < 0x20) | (letters > 0x7E)).any():
            raise StorageError(f"{name}: not printable ASCII padded with spaces to {values.dtype.itemsize} bytes")
        return np.ascontiguousarray(values).view(f"V{values.dtype.itemsize}")
    if name.endswith("_us"):
        if values.size and values.min() < LEAST_TIME_US:
            raise StorageError(f"{name}: {values.min()} is before the first moment that the database can hold")
        return values - POSTGRES_EPOCH_US
    return values


def _inward(name: str, values: Columns, rows: Columns) -> None:
    kind = rows.dtype[name].kind
    if kind == "f":
        rows[name].view(np.int64)[:] = values
    elif kind == "S":
        rows[name] = np.ascontiguousarray(values).view(rows.dtype[name])
    elif name.endswith("_us"):
        rows[name] = values.astype(np.int64) + POSTGRES_EPOCH_US
    else:
        rows[name] = values
