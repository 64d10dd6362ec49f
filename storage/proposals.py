"""Proposals of unknown devices: written with the batch that refused them, read and settled by people."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from contracts.clock import SECOND_US, to_datetime, to_iso
from contracts.onboarding import (
    PROPOSALS_MAX,
    SERIES_MAX,
    Proposal,
    ProposedSeries,
    Stranger,
    series_key,
    usual_interval_s,
)
from storage.connection import Connection
from storage.queries import statements

SQL: Final = statements("proposals")
INTERVAL_S: Final = 60.0
"""Of a series that was heard once: nothing was measured yet, and most report once a minute."""


class _Kept(msgspec.Struct, frozen=True):
    """A series as the row keeps it."""

    metric: str
    lane: int
    unit: str
    value: float
    t_us: int
    first_us: int
    n: int
    interval_s: float | None = None


_kept: Final = msgspec.json.Decoder(dict[str, _Kept])


def proposed(city: str, strangers: Sequence[Stranger], now_us: int) -> list[tuple[str, dict[str, Any]]]:
    """The statements of a batch that write what strangers said."""
    if not strangers:
        return []
    where = {"city": city, "most": PROPOSALS_MAX}
    names = [stranger.device for stranger in strangers]
    rows = msgspec.json.encode([_row(stranger) for stranger in strangers]).decode()
    return [
        ("proposals_room", {**where, "devices": names, "now_at": to_datetime(now_us)}),
        ("proposals", {**where, "rows": rows, "series_most": SERIES_MAX}),
    ]


def read_proposals(
    connection: Connection, city: str, *, dismissed: bool, device: str | None = None
) -> tuple[Proposal, ...]:
    """Proposals of a city, the latest first; `dismissed` shows those, too. None has a type yet."""
    asked = {"city": city, "dismissed": dismissed, "device": device}
    return tuple(_proposal(row) for row in connection.execute(SQL["proposals"], asked))


def dismiss(connection: Connection, city: str, device: str, by: str) -> bool:
    """Hide a proposal; False where there is none."""
    return connection.execute(SQL["dismiss"], {"city": city, "device": device, "by": by}).fetchone() is not None


def settle(connection: Connection, city: str, device: str) -> None:
    """Remove the proposal of a device that is in the city now."""
    connection.execute(SQL["settle"], {"city": city, "device": device})


def _row(stranger: Stranger) -> dict[str, Any]:
    return {
        "device": stranger.device,
        "zone": stranger.zone,
        "first_at": to_iso(stranger.first_us),
        "last_at": to_iso(stranger.last_us),
        "count": stranger.count,
        "kinds": stranger.kinds,
        "series": {series_key(each.metric, each.lane): each for each in stranger.series},
        "unknown_metrics": stranger.unknown_metrics,
        "lon": stranger.lon,
        "lat": stranger.lat,
    }


def _proposal(row: tuple[Any, ...]) -> Proposal:
    device, zone, first_at, last_at, count, kinds, series, unknown, lon, lat, dismissed_at, dismissed_by = row
    return Proposal(
        device=device,
        zone=zone,
        first_seen=first_at,
        last_seen=last_at,
        refused=count,
        kinds=tuple(kinds),
        series=tuple(_series(each) for _, each in sorted(_kept.decode(series).items())),
        unknown_metrics=unknown,
        lon=lon,
        lat=lat,
        dismissed_at=dismissed_at,
        dismissed_by=dismissed_by,
    )


def _series(kept: _Kept) -> ProposedSeries:
    interval_s = kept.interval_s
    if interval_s is None and kept.n > 1 and kept.t_us > kept.first_us:
        interval_s = usual_interval_s((kept.t_us - kept.first_us) / SECOND_US / (kept.n - 1))
    return ProposedSeries(
        kept.metric, kept.lane, kept.unit, kept.value, to_datetime(kept.t_us), interval_s or INTERVAL_S
    )
