"""Snapshots of the engine's state: named arrays, written in chunks on a connection of their own, beside the commits.

A snapshot counts from the moment it is marked complete; one that was cut off is never loaded and goes with the next.
"""

import ast
from collections.abc import Mapping
from itertools import groupby
from typing import Any, Final

import numpy as np

from contracts.columns import Columns
from contracts.errors import StorageError
from storage.connection import Connection, translated
from storage.own_connection import OwnConnection
from storage.queries import statements

SQL: Final = statements("snapshots")

CHUNK_BYTES: Final = 4 * 1024 * 1024
"""Large enough to be few, small enough that neither side holds a second copy of a big field."""
KEEP: Final = 3
"""Complete snapshots kept: should the newest be unreadable, an older one shortens recovery all the same."""


class Snapshots(OwnConnection):
    """Saves and loads snapshots. One thread uses it."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn, "snapshots")

    def save(self, shard: int, n: int, engine: str, fields: Mapping[str, Columns]) -> None:
        """Keep the state after batch `n` as `engine` understands it, and drop all but the newest few.

        Raises:
            StorageUnavailable: the database went away; try again with a later state.
            ValueError: a field holds Python objects.
        """
        values = {"shard": shard, "n": n, "engine": engine}
        with translated(f"saving the snapshot of batch {n}"):
            connection = self._connected()
            row = connection.execute(SQL["begin"], values).fetchone()
            snapshot = row[0] if row else 0
            with connection.pipeline():
                for name, array in fields.items():
                    self._save_field(connection, snapshot, name, array)
            connection.execute(SQL["complete"], {"snapshot": snapshot})
            connection.execute(SQL["prune"], {**values, "snapshot": snapshot, "keep": KEEP})

    def newest(self, shard: int, engine: str, until: int | None = None) -> tuple[int, dict[str, Columns]] | None:
        """The newest snapshot that `engine` can read, at or before batch `until`: its batch and fields."""
        values = {"shard": shard, "engine": engine, "until": until}
        with translated("loading a snapshot"):
            connection = self._connected()
            row = connection.execute(SQL["newest"], values).fetchone()
            if row is None:
                return None
            snapshot, n = row
            with connection.cursor(binary=True) as cursor:
                chunks = cursor.execute(SQL["fields"], {"snapshot": snapshot}).fetchall()
        return n, {name: _joined(name, list(parts)) for name, parts in groupby(chunks, key=lambda chunk: chunk[0])}

    def _save_field(self, connection: Connection, snapshot: int, name: str, array: Columns) -> None:
        if array.dtype.hasobject:
            raise ValueError(f"{name}: Python objects have no fixed bytes; a snapshot holds plain arrays")
        content = np.ascontiguousarray(array).tobytes()
        described = {"dtype": repr(np.lib.format.dtype_to_descr(array.dtype)), "shape": list(array.shape)}
        for chunk, start in enumerate(range(0, max(1, len(content)), CHUNK_BYTES)):
            values = {"snapshot": snapshot, "name": name, "chunk": chunk, **described}
            connection.execute(SQL["field"], {**values, "bytes": content[start : start + CHUNK_BYTES]})


def _joined(name: str, parts: list[Any]) -> Columns:
    """The array of its chunks, writable.

    Raises:
        StorageError: the bytes do not fill the shape.
    """
    _, descr, shape, _ = parts[0]
    dtype = np.lib.format.descr_to_dtype(ast.literal_eval(descr))
    content = bytearray().join(part[3] for part in parts)
    if len(content) != dtype.itemsize * int(np.prod(shape, dtype=np.int64)):
        raise StorageError(f"snapshot field {name}: {len(content)} bytes do not fill {dtype} {shape}")
    return np.frombuffer(content, dtype).reshape(shape)
