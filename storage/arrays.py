"""NumPy columns as query parameters: PostgreSQL's binary arrays, made without Python per element.

The writer hands thousands of values at once to `unnest(...)`; psycopg's own lists cost about a microsecond a value.
"""

import struct
from collections.abc import Callable
from typing import Any, ClassVar, Final

import numpy as np
from psycopg import pq
from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap, Dumper

from contracts.columns import Columns
from storage.copying import outward


class Array(bytes):
    """The bytes of a one-dimensional array without nulls (PostgreSQL source, `array_recv`)."""

    element: ClassVar[tuple[int, str]]
    """Type of an element: its oid and how it travels."""
    oid: ClassVar[int]

    @classmethod
    def of(cls, values: Columns) -> "Array":
        """The column as this kind of array."""
        element_oid, wire = cls.element
        packed = np.empty(values.size, np.dtype([("length", ">i4"), ("value", wire)]))
        packed["length"] = np.dtype(wire).itemsize
        packed["value"] = outward("element", values)
        return cls(struct.pack(">iiiii", 1, 0, element_oid, values.size, 1) + packed.tobytes())


class Int2s(Array):
    """smallint[]"""

    element, oid = (21, ">i2"), 1005


class Int4s(Array):
    """integer[]"""

    element, oid = (23, ">i4"), 1007


class Int8s(Array):
    """bigint[]"""

    element, oid = (20, ">i8"), 1016


class Float8s(Array):
    """double precision[]; travels as bits"""

    element, oid = (701, ">i8"), 1022


class Moments(Array):
    """timestamptz[] of microseconds since 1970"""

    element, oid = (1184, ">i8"), 1185

    @classmethod
    def of(cls, values: Columns) -> Array:
        """The column of microseconds as moments."""
        return super().of(outward("moment_us", values))


KINDS: Final = (Int2s, Int4s, Int8s, Float8s, Moments)


def register(adapters: AdaptersMap) -> None:
    """Teach a connection these parameters."""
    for kind in KINDS:
        adapters.register_dumper(kind, _dumper(kind))


def _dumper(kind: type[Array]) -> type[Dumper]:
    dump: Callable[[Any, Array], Buffer] = lambda _self, array: array  # noqa: E731
    return type(f"{kind.__name__}Dumper", (Dumper,), {"oid": kind.oid, "format": pq.Format.BINARY, "dump": dump})
