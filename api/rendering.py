"""Rows to JSON. msgspec writes frozen dataclasses as they are, times with `Z`, ids as text and NaN as null.

Routes name their row type as `response_model` for the OpenAPI document alone: rows come from our own storage and
need no second validation, which would cost most of the time of a large answer.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec
from fastapi import Response

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Items(Generic[Item]):
    """A list of everything."""

    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class ItemsPage(Generic[Item]):
    """A page of a list; `next` is the `cursor` of the next one, null on the last."""

    items: tuple[Item, ...]
    next: str | None = None


def json(rows: object, status: int = 200) -> Response:
    """The JSON response of rows."""
    return Response(msgspec.json.encode(rows), status, media_type="application/json")
