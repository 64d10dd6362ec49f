"""Cursors: where a page ended, as opaque text for the query string. They hold a time and an id, nothing secret."""

import base64
import binascii
from datetime import datetime
from typing import Annotated, Final, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta

from api.problems import Problem
from contracts.answers import Spot

CURSOR_CHARS_MAX: Final = 200

Second = TypeVar("Second")

Lane = Annotated[int, Meta(ge=0, le=2**15 - 1)]
_SPOT: Final = msgspec.json.Decoder(tuple[datetime, UUID])
_MINUTE: Final = msgspec.json.Decoder(tuple[datetime, Lane])


def write(key: tuple[datetime, UUID] | tuple[datetime, int]) -> str:
    """The cursor of a page's last row."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).rstrip(b"=").decode()


def read_spot(cursor: str | None) -> Spot | None:
    """The (moment, id) of a cursor.

    Raises:
        Problem: 422 for a text that is not a cursor of ours.
    """
    return None if cursor is None else _read(cursor, _SPOT)


def read_minute(cursor: str | None) -> tuple[datetime, int] | None:
    """The (minute, lane) of a cursor.

    Raises:
        Problem: 422 for a text that is not a cursor of ours.
    """
    return None if cursor is None else _read(cursor, _MINUTE)


def _read(cursor: str, decoder: msgspec.json.Decoder[tuple[datetime, Second]]) -> tuple[datetime, Second]:
    try:
        content = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        moment, second = decoder.decode(content)
        if moment.tzinfo is None or not 2000 <= moment.year < 2100:
            raise ValueError("no moment that we gave out")
    except (binascii.Error, ValueError, msgspec.MsgspecError) as problem:
        detail = "query.cursor: not one of ours; use the `next` of the last page, or leave it out for the first page"
        raise Problem(422, detail) from problem
    return moment, second
