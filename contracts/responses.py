"""What an alarm asks of people, and when it is known to be none: responses and suppressions."""

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta

from contracts.entry import Entry, Slug, check_known, check_unique
from contracts.errors import ConfigError
from contracts.hours import Weekday


class Response(Entry, frozen=True):
    """The rationalised entry of an alarm kind (ISA-18.2): why it matters and what the operator does about it.

    `severity` is the worst that follows if nobody acts; with the time to respond it gives the priority (the matrix of
    `processing/alarms/rationalised.py`). The rest is its own timing, in seconds of the engine's time: a condition is an
    alarm once it has lasted `on_delay_s` and is over once it has been gone `off_delay_s`; `chatter_count` beginnings
    within `chatter_within_s` make it chattering, until it has been quiet for `chatter_quiet_s`. A condition that comes
    back within `chatter_within_s` after its end is the same alarm. While an alarm of a kind in `hidden_by` stands on
    the same series or stretch, this one is suppressed: the higher level says it.
    """

    kind: str
    name_en: str
    name_th: str
    cause_en: str
    cause_th: str
    consequence_en: str
    consequence_th: str
    action_en: str
    action_th: str
    respond_within_s: int
    call: str
    priority: Literal["low", "medium", "high", "critical"]
    severity: Literal["unstated", "minor", "major", "severe"] = "unstated"
    on_delay_s: Annotated[float, Meta(ge=0, le=86_400)] = 0.0
    off_delay_s: Annotated[float, Meta(ge=0, le=86_400)] = 0.0
    chatter_count: Annotated[int, Meta(ge=2, le=8)] = 3
    chatter_within_s: Annotated[float, Meta(ge=0, le=86_400)] = 60.0
    chatter_quiet_s: Annotated[float, Meta(ge=0, le=86_400)] = 600.0
    hidden_by: tuple[str, ...] = ()


class Suppression(Entry, frozen=True):
    """A known test, suppressed by design: alarms of these `kinds`, `metrics`, `zones` (a district: with all in it) and
    `devices` (empty: any) that begin in the window are suppressed while it lasts, and stand if still true after.

    The window is weekly, in Thai time: on `weekdays`, for `minutes` from `starts` on.
    """

    id: Slug
    weekdays: tuple[Weekday, ...]
    starts: Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    minutes: Annotated[int, Meta(ge=1, le=1440)]
    reason_en: str
    reason_th: str
    kinds: tuple[str, ...] = ()
    metrics: tuple[Slug, ...] = ()
    zones: tuple[Slug, ...] = ()
    devices: tuple[Slug, ...] = ()
    source: str = ""
    verified: bool = False


def check_responses(
    responses: Sequence[Response],
    suppressions: Sequence[Suppression],
    zones: set[str],
    metrics: set[str],
    devices: set[str],
    source: str,
) -> None:
    """Check that each alarm kind has one entry, and that suppressions name what there is and say why.

    Raises:
        ConfigError: names the entry that refers to nothing, stands twice or says too little.
    """
    kinds = {response.kind for response in responses}
    check_unique("responses", (response.kind for response in responses))
    check_known("responses.hidden_by", ((entry.kind, kind) for entry in responses for kind in entry.hidden_by), kinds)
    check_unique("suppressions", (entry.id for entry in suppressions))
    for name, known in (("zones", zones), ("metrics", metrics), ("devices", devices), ("kinds", kinds)):
        wanted = ((entry.id, value) for entry in suppressions for value in getattr(entry, name))
        check_known(f"suppressions.{name}", wanted, known)
    for entry in suppressions:
        if not (entry.kinds or entry.metrics or entry.zones or entry.devices):
            raise ConfigError("suppressions", entry.id, "names nothing, and would suppress every alarm", source)
        if not (entry.weekdays and entry.reason_en and entry.reason_th):
            raise ConfigError("suppressions", entry.id, "needs its weekdays, and its reason in both languages", source)
