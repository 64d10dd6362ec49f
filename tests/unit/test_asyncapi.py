"""The native format is published as AsyncAPI 3, as the code has it, and its examples are accepted."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from contracts import asyncapi, wire
from contracts.clock import to_us
from contracts.delivery import Delivery
from contracts.topics import Kind, parse
from ingest.decode import IntakeLimits, decode
from ingest.registry import Registry
from tests.fixtures.fake_sealer import FakeSealer
from tests.fixtures.phuket import phuket

FILE = Path(__file__).parents[2] / "docs" / "asyncapi.json"
DOCUMENT: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
NOW_US = to_us(datetime(2026, 11, 22, 3, 0, 5, tzinfo=UTC))
SPEAKERS = {
    Kind.COUNTS: ("mai-khao", "cam-402-07"),
    Kind.PASSAGE: ("mai-khao", "cam-402-07"),
    Kind.READINGS: ("talat-yai", "air-01"),
    Kind.SIGNAL: ("mai-khao", "cam-402-12"),
    Kind.STATUS: ("talat-yai", "air-01"),
}
"""Zone and device of Phuket that say the examples."""


def target(reference: str) -> Any:
    found: Any = DOCUMENT
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    return found


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from ([part["$ref"]] if "$ref" in part else [])
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from references(each)


def examples(kind: str) -> list[Any]:
    return [example["payload"] for example in DOCUMENT["components"]["messages"][kind]["examples"]]


def test_the_published_file_is_what_the_code_makes() -> None:
    assert FILE.read_text("utf-8") == asyncapi.encoded(), "run `andaman asyncapi > docs/asyncapi.json`"


def test_the_document_has_what_asyncapi_3_needs_and_no_key_that_it_does_not_know() -> None:
    assert re.fullmatch(r"3\.\d+\.\d+", DOCUMENT["asyncapi"])
    assert {"title", "version"} <= DOCUMENT["info"].keys() <= {"title", "version", "description", "license"}
    known = {"asyncapi", "info", "defaultContentType", "servers", "channels", "operations", "components"}
    assert DOCUMENT.keys() == known
    for server in DOCUMENT["servers"].values():
        assert server["protocol"] == "secure-mqtt"
        assert re.findall(r"{(\w+)}", server["host"]) == list(server["variables"])
        assert [target(each["$ref"])["type"] for each in server["security"]] == ["userPassword"]
        assert server["bindings"]["mqtt"].keys() == {"lastWill", "keepAlive", "bindingVersion"}
    for message in DOCUMENT["components"]["messages"].values():
        known = {"name", "summary", "contentType", "payload", "examples", "x-max-payload-bytes"}
        assert message.keys() == known
    for parameter in DOCUMENT["components"]["parameters"].values():
        assert parameter.keys() == {"description", "x-pattern"}


def test_every_reference_leads_somewhere_and_every_part_is_used() -> None:
    found = set(references(DOCUMENT))
    for reference in found:
        assert target(reference) is not None
    parts = {f"#/components/{group}/{name}" for group, names in DOCUMENT["components"].items() for name in names}
    assert parts == {reference for reference in found if reference.startswith("#/components/")}


@pytest.mark.parametrize("kind", DOCUMENT["channels"])
def test_a_channel_is_a_topic_with_one_operation_and_only_the_mark_is_sent_and_retained_and_at_qos_0(kind: str) -> None:
    channel = DOCUMENT["channels"][kind]
    assert re.findall(r"{(\w+)}", channel["address"]) == list(channel["parameters"])
    topic = parse(re.sub(r"{\w+}", "some", channel["address"]))
    assert topic.kind == kind
    (operation,) = (each for each in DOCUMENT["operations"].values() if each["channel"]["$ref"] == f"#/channels/{kind}")
    assert [target(each["$ref"]) for each in operation["messages"]] == list(channel["messages"].values())
    mqtt = operation["bindings"]["mqtt"]
    assert (operation["action"], mqtt["qos"], mqtt["retain"]) == (
        ("send", 0, True) if kind == Kind.MARK else ("receive", 1, False)
    )


def test_every_kind_that_is_decoded_is_described() -> None:
    assert set(DOCUMENT["channels"]) == {*wire.RECORDS, Kind.MARK}


@pytest.mark.parametrize("kind", DOCUMENT["channels"])
def test_every_example_obeys_its_schema(kind: str) -> None:
    payload = DOCUMENT["components"]["messages"][kind]["payload"]
    schema = {**payload, "components": DOCUMENT["components"]}
    Draft7Validator.check_schema(schema)
    assert examples(kind)
    for example in examples(kind):
        Draft7Validator(schema).validate(example)


def test_every_example_is_accepted_by_the_city_of_phuket() -> None:
    deliveries = [
        Delivery(f"andaman/v1/phuket/{zone}/{device}/{kind}", json.dumps(example).encode(), NOW_US)
        for kind, (zone, device) in SPEAKERS.items()
        for example in examples(kind)
    ]
    result = decode(deliveries, Registry(phuket()), FakeSealer(), IntakeLimits())
    assert result.rejections == ()
    assert [len(kept) for kept in (result.readings, result.passages, result.signals, result.statuses)] == [9, 2, 1, 2]


def test_the_example_of_a_mark_and_the_last_will_are_understood() -> None:
    (mark,) = examples("mark")
    assert wire.decode_mark(json.dumps(mark).encode()) == wire.Mark(3, 17)
    for server in DOCUMENT["servers"].values():
        will = server["bindings"]["mqtt"]["lastWill"]
        message = wire.decode(Kind.STATUS, will["message"].encode())
        assert (message.records[0].event, message.boot, will["qos"], will["retain"]) == ("death", None, 1, False)
        assert will["topic"] == DOCUMENT["channels"]["status"]["address"]
