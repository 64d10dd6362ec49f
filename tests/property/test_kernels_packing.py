"""A packed row holds the bytes of its fields, numbers with the last byte first, whatever the fields hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.columns import Columns
from storage.copying import (
    HEADER,
    LATES,
    LEAST_TIME_US,
    LOGS,
    MINUTES,
    POSTGRES_EPOCH_US,
    TRAILER,
    WIDE_WINDOWS,
    Layout,
    encode,
)
from tests.fixtures.jit_off import JIT_OFF

LAYOUTS = (*LOGS.values(), MINUTES, WIDE_WINDOWS, LATES)


def drawn(layout: Layout, count: int, seed: int) -> Columns:
    """Rows of any bytes but where a time or a text must be one."""
    draw = np.random.default_rng(seed)
    rows = np.frombuffer(draw.bytes(count * layout.dtype.itemsize), layout.dtype).copy()
    for name in layout.dtype.names or ():
        if name.endswith("_us"):
            rows[name] = np.maximum(rows[name], LEAST_TIME_US)
        if layout.dtype[name].kind == "S":
            rows[name] = b"v1.2 ".ljust(layout.dtype[name].itemsize)
    return rows


def naive(layout: Layout, rows: Columns, shard: int, n: int) -> bytes:
    """The body by the manual: field by field (PostgreSQL, COPY, "Binary Format")."""
    body = bytearray(HEADER)
    for row in rows:
        body += len(layout.columns).to_bytes(2, "big")
        body += (4).to_bytes(4, "big") + shard.to_bytes(4, "big") + (8).to_bytes(4, "big") + n.to_bytes(8, "big")
        for name in layout.dtype.names or ():
            field = row[name]
            if name.endswith("_us"):
                field = np.int64(int(field) - POSTGRES_EPOCH_US)
            lying = field.tobytes().ljust(layout.dtype[name].itemsize, b"\0")
            number = layout.dtype[name].kind in "if"
            body += len(lying).to_bytes(4, "big") + (lying[::-1] if number else lying)
    return bytes(body + TRAILER)


@pytest.mark.parametrize("layout", LAYOUTS, ids=[layout.table for layout in LAYOUTS])
@settings(max_examples=3 if JIT_OFF else 25, deadline=None)
@given(count=st.integers(0, 9), seed=st.integers(0, 2**32 - 1))
def test_a_packed_row_holds_the_bytes_of_its_fields(layout: Layout, count: int, seed: int) -> None:
    rows = drawn(layout, count, seed)
    assert bytes(encode(layout, rows, 3, 2**40)) == naive(layout, rows, 3, 2**40)
