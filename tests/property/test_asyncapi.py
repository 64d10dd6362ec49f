"""The published schemas forbid what the decoder refuses for its form, and nothing else."""

import json
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator, FormatChecker

from contracts import asyncapi
from contracts.clock import to_us
from contracts.delivery import Delivery
from contracts.examples import EXAMPLES
from contracts.topics import Kind
from ingest.decode import IntakeLimits, decode
from ingest.registry import Registry
from tests.fixtures.fake_sealer import FakeSealer
from tests.fixtures.phuket import phuket

NOW = datetime(2026, 11, 22, 3, 0, 5, tzinfo=UTC)
TOPICS = {kind: f"andaman/v1/phuket/mai-khao/cam-402-12/{kind}" for kind in EXAMPLES}
TOPICS[Kind.READINGS] = "andaman/v1/phuket/talat-yai/air-01/readings"
DOCUMENT = asyncapi.document()
REGISTRY = Registry(phuket())
FORM = {"schema", "not_json", "no_time", "too_large"}
OF_THE_CITY = {"unknown_metric", "wrong_unit"}

formats = FormatChecker(())


def has_an_offset(text: object) -> bool:
    return not isinstance(text, str) or datetime.fromisoformat(text).tzinfo is not None


formats.checks("date-time", ValueError)(has_an_offset)


# At each bound and just beyond it. Whole numbers are never written as 1.0, which only one of the two takes for whole.
ODD: list[Any] = [
    -1, 0, 1, 8, 9, 10, 32, 33, 64, 65, 3600, 3601, 86_400, 86_400.5, 100_000, 100_001, 2**53, 2**53 + 1, 2**70, 0.5,
    1.5, 300.5, 999_999_999_999.5, 1_000_000_000_000.5, -1_000_000_000_000.5,
    True, False, "", "car", "CAR", "forward", "red", "all", "death", "white", "gnss",
    "x" * 24, "x" * 25, "x" * 64, "x" * 65, "a" * 63, "a" * 63 + "g", "a b", "\u0e01" * 40, "\u0e01" * 41,
    "2026-11-22T10:00:00+07:00", "2026-11-22T10:00:00", "2026-13-01T00:00:00Z", "1999-12-31T23:59:59Z",
    "2100-12-31T00:00:00Z", "2101-01-01T00:00:00Z", [], {}, ["a" * 64], ["a" * 64] * 7, [{"text": "1"}] * 9,
    [{"text": "x" * 25}], [{"text": "1", "confidence": 1.5}], {"car": 1}, {"car": -1}, {"tank": 1}, {"car": 100_001},
]  # fmt: skip
NAMES = ["boot", "seq", "records", "t", "lane", "value", "metric", "class", "occupancy", "mean_speed_kmh", "more"]


def places(part: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    return [path, *(place for key, each in inner for place in places(each, (*path, key)))]


@st.composite
def messages(draw: st.DrawFn) -> tuple[Kind, Any]:
    kind = draw(st.sampled_from(list(EXAMPLES)))
    examples = DOCUMENT["components"]["messages"][kind]["examples"]
    message = deepcopy(draw(st.sampled_from(examples))["payload"])
    for _ in range(draw(st.integers(0, 2))):
        where = [place for place in places(message) if place]
        if not where:
            break
        *way, last = draw(st.sampled_from(where))
        part = message
        for key in way:
            part = part[key]
        match draw(st.sampled_from(["change", "leave out", "add"])):
            case "change":
                part[last] = deepcopy(draw(st.sampled_from(ODD)))
            case "leave out":
                del part[last]
            case _ if isinstance(part, dict):
                part[draw(st.sampled_from(NAMES))] = deepcopy(draw(st.sampled_from(ODD)))
    return kind, message


def refused(kind: Kind, message: Any) -> bool:
    """Whether anything of it is refused for what it is, whatever city and clock it comes to."""
    result = decode(
        [Delivery(TOPICS[kind], json.dumps(message).encode(), to_us(NOW))], REGISTRY, FakeSealer(), IntakeLimits()
    )
    reasons = {each.reason for each in result.rejections} - OF_THE_CITY - {"past", "future"}
    # What is possible is the city's to say, but for a speed and a year, which are the same everywhere.
    return bool(reasons - {"out_of_range"}) or ("out_of_range" in reasons and kind in (Kind.PASSAGE, Kind.STATUS))


def believed(message: Any) -> bool:
    """Whether no time in it is so far away that decoding looks no further."""
    times = [each.get("t") for each in message.get("records", []) if isinstance(each, dict)]
    try:
        moments = [datetime.fromisoformat(each) for each in times if isinstance(each, str)]
    except ValueError:
        return True
    near = timedelta(days=1)
    return all(each.tzinfo is None or abs(each - NOW) < near for each in moments)


@given(messages())
@settings(deadline=None, max_examples=600)
def test_the_schema_forbids_what_the_decoder_refuses(said: tuple[Kind, Any]) -> None:
    kind, message = said
    if not isinstance(message.get("records", []), list) or not believed(message):
        return
    payload = DOCUMENT["components"]["messages"][kind]["payload"]
    schema = {**payload, "components": DOCUMENT["components"]}
    assert Draft7Validator(schema, format_checker=formats).is_valid(message) is not refused(kind, message)


@pytest.mark.parametrize(("many", "forbidden"), [(500, False), (501, True)])
def test_the_number_of_records_is_bounded_alike(many: int, forbidden: bool) -> None:
    message = {"records": [{"metric": "pm2_5", "value": 1}] * many}
    schema = {"$ref": "#/components/schemas/ReadingMessage", "components": DOCUMENT["components"]}
    assert Draft7Validator(schema).is_valid(message) is not forbidden
    assert refused(Kind.READINGS, message) is forbidden
