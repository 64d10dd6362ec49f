"""What may stand in a query string: closed lists of parameters, each with its form and its bound.

An unknown parameter is an error: a filter with a typing error in it would answer with more than was asked for.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from api.cursors import CURSOR_CHARS_MAX
from contracts.delivery import REASONS
from contracts.findings import Standing
from contracts.topics import PART_PATTERN

PAGE_ROWS: Final = 100
PAGE_ROWS_MAX: Final = 1000
"""A thousand violations are about a megabyte of JSON."""
WINDOW_ROWS_MAX: Final = 1500
"""A day of minutes has 1,440."""
EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
"""Times outside are mistakes, and some databases and clocks cannot hold them."""
PURPOSE_CHARS_MIN: Final = 10
"""Enough that a purpose is a phrase and not a key held down."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def _moment(text: object) -> datetime:
    """ISO 8601 with an offset; a bare number is not guessed at."""
    try:
        # A plus sign that was not escaped arrives as a space.
        found = datetime.fromisoformat(str(text).replace(" ", "+") if "T" in str(text) else str(text))
    except ValueError:
        raise ValueError("not a time; write it as 2026-11-22T10:00:00+07:00 or 2026-11-22T03:00:00Z") from None
    if found.tzinfo is None:
        raise ValueError("a time without an offset is not a moment; write it as 2026-11-22T10:00:00+07:00")
    if not EARLIEST <= found < LATEST:
        raise ValueError("outside of the years 2000 to 2099")
    return found.astimezone(UTC)


def _plain(text: str) -> str:
    if _CONTROL.search(_encodable(text)):
        raise ValueError("holds invisible characters; write plain text")
    return text


def _encodable(text: str) -> str:
    """JSON can escape half a surrogate pair (`\\ud800`), which is no character and has no UTF-8."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("holds half a character; write plain text")
    return text


def _purpose(text: str) -> str:
    if len(text) < PURPOSE_CHARS_MIN or len(set(text)) < 4:
        raise ValueError(f"say in at least {PURPOSE_CHARS_MIN} characters what they are needed for")
    return text


def _reason(text: str) -> str:
    if text not in REASONS:
        raise ValueError(f"no such reason; one of {', '.join(REASONS)}")
    return text


Moment = Annotated[datetime, BeforeValidator(_moment)]
Slug = Annotated[str, StringConstraints(pattern=f"^{PART_PATTERN}$")]
Cursor = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=CURSOR_CHARS_MAX)]
DeviceType = Literal["camera", "air", "noise", "weather", "rain", "water"]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), AfterValidator(_plain)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), AfterValidator(_plain)]


class Query(BaseModel):
    """Base of all: unknown parameters are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Span(Query):
    """A time range, `from` inclusive and `to` exclusive."""

    from_at: Moment | None = Field(None, alias="from", description="from this moment on (ISO 8601 with offset)")
    to_at: Moment | None = Field(None, alias="to", description="before this moment (ISO 8601 with offset)")


class DeviceFilter(Query):
    city: Slug | None = None
    zone: Slug | None = Field(None, description="a sub-district, or a district with all of its sub-districts")
    type: DeviceType | None = None


class LatestFilter(Query):
    device: Slug | None = None
    zone: Slug | None = None
    metric: Slug | None = None


class WindowFilter(Span):
    device: Slug
    metric: Slug
    lane: int | None = Field(
        None,
        ge=0,
        le=102,
        description="0: the whole device; 101, 102: its lanes forward, backward; left out: every lane",
    )
    width: str = Field("1m", pattern=r"^[1-9][0-9]{0,2}[mhd]$", description="1m, 15m, 1h or 1d; derived series: theirs")
    limit: int = Field(WINDOW_ROWS_MAX, ge=1, le=WINDOW_ROWS_MAX)
    cursor: Cursor | None = None


class ViolationFilter(Span):
    zone: Slug | None = None
    rule: Slug | None = None
    device: Slug | None = None
    standing: Standing | None = Field(None, description="only cases that stand so for an officer")
    purpose: Annotated[Text, AfterValidator(_purpose)] | None = Field(None, description="reveals plates; audited")
    case: Annotated[Text, StringConstraints(max_length=100)] | None = Field(None, description="the case number")


class ViolationList(ViolationFilter):
    limit: int = Field(PAGE_ROWS, ge=1, le=PAGE_ROWS_MAX)
    cursor: Cursor | None = None


class ViolationExport(ViolationFilter):
    lang: Literal["en", "th"] = "en"


class ViolationReveal(Query):
    purpose: Annotated[Text, AfterValidator(_purpose)] | None = Field(None, description="reveals the plate; audited")
    case: Annotated[Text, StringConstraints(max_length=100)] | None = None


class AlarmFilter(Span):
    condition: Literal["active", "normal", "suppressed"] | None = None
    zone: Slug | None = None
    kind: Slug | None = None
    limit: int = Field(PAGE_ROWS_MAX, ge=1, le=PAGE_ROWS_MAX)
    cursor: Cursor | None = None


class HandlingBody(BaseModel):
    """The body of what somebody does about an alarm."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    action: Literal["acknowledge", "shelve", "unshelve", "assign", "note"]
    note: Text = Field("", description="in their words; the reason, where the action needs one")
    until: Moment | None = Field(None, description="shelve: until this moment (ISO 8601 with offset)")
    to: Annotated[str, StringConstraints(max_length=64), AfterValidator(_plain)] | None = Field(
        None, description="assign: the account; empty: nobody"
    )


class RejectionSpan(Span):
    reason: Annotated[str, AfterValidator(_reason)] | None = None
    device: Slug | None = None


class RejectionFilter(RejectionSpan):
    limit: int = Field(PAGE_ROWS, ge=1, le=PAGE_ROWS_MAX)


class RejectionReveal(Query):
    purpose: Annotated[Text, AfterValidator(_purpose)] = Field(description="what the bytes are needed for; audited")


class LateFilter(Span):
    device: Slug | None = None
    limit: int = Field(PAGE_ROWS, ge=1, le=PAGE_ROWS_MAX)


class ProposalFilter(Query):
    dismissed: bool = Field(False, description="those that were dismissed, too")


class AdoptionBody(BaseModel):
    """The body of an adoption: what people say beside what the device said."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: DeviceType | None = Field(None, description="needed where the proposal has none")
    name_en: Name | None = None
    name_th: Name | None = None
    lon: float | None = Field(None, ge=-180, le=180)
    lat: float | None = Field(None, ge=-90, le=90)
    call_sign: Annotated[str, StringConstraints(max_length=32), AfterValidator(_plain)] = ""
    feed_in: bool = Field(False, description="feed in again what was refused of it so far, as a job")


class InvitationBody(BaseModel):
    """The body of an invitation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    device: Slug
    zone: Slug


class JobFilter(Query):
    limit: int = Field(PAGE_ROWS, ge=1, le=PAGE_ROWS_MAX)


class LiveFilter(Query):
    kinds: Annotated[str, StringConstraints(max_length=64)] | None = Field(
        None, description="comma-separated: values, violation, alarm, job"
    )


class Credentials(BaseModel):
    """The body of a sign-in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    username: Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_plain)]
    password: Annotated[str, StringConstraints(min_length=1, max_length=256), AfterValidator(_encodable)]
