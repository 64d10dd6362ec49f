"""Rejections as people read them: counted, one by one, and the bytes of one.

A device that no city knows has no number; it is found by the name in the topic that it spoke to.
"""

import base64
from typing import Final

from contracts.delivery import NEVER_FED_IN, REJECTED_PAYLOAD_BYTES
from contracts.ports import PlateOpener
from contracts.rejections import (
    Fate,
    RejectionBytes,
    RejectionCount,
    RejectionId,
    RejectionItem,
    RejectionQuery,
)
from storage.city_index import CityIndex
from storage.connection import Connection
from storage.queries import statements
from storage.vault import SEAL_BYTES

SQL: Final = statements("rejections")


def items(connection: Connection, index: CityIndex, query: RejectionQuery) -> list[RejectionItem]:
    """The latest first, one more than asked for where there are more."""
    rows = connection.execute(SQL["list"], _asked(index, query)).fetchall()
    return [
        RejectionItem(
            id=written((shard, n, i)),
            reason=reason,
            detail=detail,
            device=_name(index, device),
            topic=topic,
            received_at=received_at,
            count=count,
            bytes=size,
            fate=None if fate[0] is None else Fate(*fate),
        )
        for shard, n, i, reason, detail, topic, device, received_at, count, size, *fate in rows
    ]


def counts(connection: Connection, index: CityIndex, query: RejectionQuery) -> list[RejectionCount]:
    """The most first, one more than asked for where there are more."""
    asked = {**_asked(index, query), "never": list(NEVER_FED_IN)}
    rows = connection.execute(SQL["counts"], asked).fetchall()
    return [RejectionCount(reason, _name(index, device), *rest) for reason, device, *rest in rows]


def topic(connection: Connection, rejection: RejectionId) -> str | None:
    """The topic that a rejection came with."""
    row = connection.execute(SQL["bytes"], _place(rejection)).fetchone()
    return None if row is None else str(row[0])


def opened(connection: Connection, opener: PlateOpener, rejection: RejectionId) -> RejectionBytes | None:
    """The bytes of one rejection.

    Raises:
        VaultError: the keys of its day were destroyed.
    """
    row = connection.execute(SQL["bytes"], _place(rejection)).fetchone()
    if row is None:
        return None
    topic, sealed, day = row
    payload = opener.open_bytes(sealed, day) if sealed else b""
    encoding, text = _text(payload)
    return RejectionBytes(written(rejection), topic, encoding, text, cut=len(payload) >= REJECTED_PAYLOAD_BYTES)


def written(rejection: RejectionId) -> str:
    """A rejection's id as people write it."""
    return "-".join(map(str, rejection))


def _text(payload: bytes) -> tuple[str, str]:
    try:
        return "utf-8", payload.decode()
    except UnicodeDecodeError:
        return "base64", base64.b64encode(payload).decode()


def _name(index: CityIndex, no: int) -> str | None:
    return index.place(no).id if no > 0 else None


def _place(rejection: RejectionId) -> dict[str, int]:
    return dict(zip(("shard", "n", "i"), rejection, strict=True))


def _asked(index: CityIndex, query: RejectionQuery) -> dict[str, object]:
    return {
        "reason": query.reason,
        "device": query.device,
        "devices": [] if query.device is None else list(index.numbers(query.device)),
        "from_at": query.from_at,
        "to_at": query.to_at,
        "limit": query.limit + 1,
        "seal": SEAL_BYTES,
    }
