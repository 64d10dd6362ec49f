"""Writes TOML: one table an entry, short values on a line. Same data, same bytes."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any


def text(value: Any) -> str:
    """One value. Raises TypeError on what TOML cannot hold, `None` among it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | date):
        return str(value)
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {text(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(text(one) for one in value) + "]"
    raise TypeError(f"{value!r} has no place in TOML")


def tables(name: str, entries: Iterable[Mapping[str, Any]]) -> str:
    """Entries as an array of tables."""
    return "".join(
        f"\n[[{name}]]\n" + "".join(f"{key} = {text(value)}\n" for key, value in entry.items()) for entry in entries
    )


def rows(name: str, entries: Iterable[Mapping[str, Any]]) -> str:
    """Entries as an array with one line each. It has to stand before the first table of the file."""
    return f"\n{name} = [\n" + "".join(f"  {text(entry)},\n" for entry in entries) + "]\n"
