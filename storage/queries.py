"""Loads the statements of `sql/queries/*.sql`, where every one of them lives.

A statement begins with a line `-- name --`, then one comment line that says what it is for. Values are parameters,
`%(name)s`, always. A file is named by its subject: `SQL = statements("write")`, then `SQL["batch"]`.
"""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final, LiteralString

_HEADER: Final = re.compile(r"^-- (\w+) --$", re.MULTILINE)


@cache
def statements(subject: str) -> Mapping[str, LiteralString]:
    """The statements of `sql/queries/<subject>.sql` by name.

    Raises:
        ValueError: a name stands twice, or a statement says nothing about itself.
    """
    text = files("storage").joinpath("sql", "queries", f"{subject}.sql").read_text("utf-8")
    parts = _HEADER.split(text)[1:]
    found: dict[str, LiteralString] = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        if name in found:
            raise ValueError(f"{subject}.sql: {name} stands twice")
        if not body.lstrip().startswith("-- "):
            raise ValueError(f"{subject}.sql: {name} has no line that says what it is for")
        found[name] = f"-- {subject}.{name}\n{body.strip().rstrip(';')}"
    return MappingProxyType(found)
