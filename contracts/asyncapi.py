"""The native format for machines: an AsyncAPI 3 document, made from the records, topics and bounds of this folder.

`docs/asyncapi.json` is what this file makes, `andaman asyncapi` prints it, `/api/v1/asyncapi.json` serves it. It
describes Andaman as the application: it receives what devices say and sends each its mark. The schemas are in the form
of JSON Schema draft 07, which AsyncAPI takes. They forbid what the decoder refuses for its form; what depends on the
city (zones, series, units, possible values) and on the clock is in words.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, Final

import msgspec

from contracts import wire
from contracts.examples import EXAMPLES, MARK, NUMBER
from contracts.records import (
    CALIBRATION_YEARS,
    MAX_PAYLOAD_BYTES,
    SPEED_KMH_MAX,
    ClockSource,
    Colour,
    Direction,
    Helmet,
    Message,
    Phase,
    StatusEvent,
    VehicleClass,
)
from contracts.topics import PART_PATTERN, PREFIX, VERSION, Kind

Json = dict[str, Any]

ASYNCAPI: Final = "3.0.0"
MQTT_BINDING: Final = "0.2.0"
QOS: Final = 1
"""Of everything that is published: at 0 nothing is promised, and 2 is lowered to it."""
KEEPALIVE_S: Final = 60
"""The longest that a device should ask for: its last will is said half as long again after it has gone."""
JSON: Final = "application/json"

SAID: Final[Mapping[Kind, str]] = {
    Kind.COUNTS: "What a camera counted in an interval, one record a lane",
    Kind.PASSAGE: "One vehicle past one camera",
    Kind.READINGS: "Values of sensors",
    Kind.SIGNAL: "A signal group changed its phase",
    Kind.STATUS: "The device about itself; also its last will",
}
"""What devices say. `evidence` is not accepted yet, and `mark` goes the other way."""

_WORDS: Final[Mapping[tuple[str, str], type[IntEnum]]] = {
    ("Passage", "class"): VehicleClass,
    ("Passage", "direction"): Direction,
    ("Passage", "colour"): Colour,
    ("Passage", "helmet"): Helmet,
    ("Signal", "phase"): Phase,
    ("Status", "event"): StatusEvent,
    ("Status", "clock_source"): ClockSource,
}
"""Fields that hold a word of a vocabulary; decoding refuses others."""
_PARTS: Final[Mapping[str, str]] = {
    "city": "the city's id",
    "zone": "the zone in which the device's entry stands",
    "device": "the device's id, which is also the user name of its account",
}


def document() -> Json:
    """The whole document, the same every time."""
    kinds = {str(kind): _channel(kind, summary) for kind, summary in SAID.items()}
    mark = "Up to which number everything of a device is settled; retained, published after each commit"
    return {
        "asyncapi": ASYNCAPI,
        "info": {
            "title": "Andaman, native format",
            "version": VERSION.removeprefix("v"),
            "description": "What a camera, sensor or gateway publishes over MQTT, and what it is told. In words, with "
            "the promises that go with it: docs/devices.md. Whole numbers are written without a decimal point.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": JSON,
        "servers": {"field": _server()},
        "channels": {**kinds, str(Kind.MARK): _channel(Kind.MARK, mark)},
        "operations": {
            **{f"receive-{kind}": _operation("receive", kind, summary) for kind, summary in SAID.items()},
            f"send-{Kind.MARK}": _operation("send", Kind.MARK, mark),
        },
        "components": {
            "schemas": schemas(),
            "messages": {
                **{str(kind): _message(kind, summary) for kind, summary in SAID.items()},
                str(Kind.MARK): _message(Kind.MARK, mark),
            },
            "parameters": {
                part: {"description": f"{about}: matches {PART_PATTERN}", "x-pattern": f"^{PART_PATTERN}$"}
                for part, about in _PARTS.items()
            },
            "securitySchemes": {
                "deviceAccount": {
                    "type": "userPassword",
                    "description": "One account a device. It publishes to its own topics and reads its own mark.",
                }
            },
        },
    }


def encoded() -> str:
    """The document as text, as it stands in `docs/`."""
    return msgspec.json.format(msgspec.json.encode(document()), indent=2).decode() + "\n"


def schemas() -> dict[str, Json]:
    """The schema of every kind's message (`CountsMessage`), of its record (`Counts`), and of the mark."""
    types = [Message[record] for record in wire.RECORDS.values()]  # type: ignore[valid-type]  # each in its turn
    _, made = msgspec.json.schema_components([*types, wire.Mark], ref_template="#/components/schemas/{name}")
    named: dict[str, Json] = {_name(name): _plain(schema) for name, schema in sorted(made.items())}
    for name, schema in named.items():
        if name.endswith("Message"):
            schema["dependencies"] = {"boot": ["seq"], "seq": ["boot"]}
    for (record, field), vocabulary in _WORDS.items():
        named[record]["properties"][field]["enum"] = words(vocabulary)
    counts = named["Counts"]
    counts["properties"]["counts"]["propertyNames"]["enum"] = words(VehicleClass)
    # An interval says something: a class, or a figure about all of them.
    counts["anyOf"] = [
        {"properties": {"counts": {"minProperties": 1}}},
        {"required": ["mean_speed_kmh"]},
        {"required": ["occupancy"]},
    ]
    named["Passage"]["properties"]["speed_kmh"] |= {"minimum": 0, "maximum": SPEED_KMH_MAX}
    first, last = CALIBRATION_YEARS
    until = named["Status"]["properties"]["calibrated_until"]
    until |= {"pattern": f"^({first // 100}[0-9]{{2}}|{last})-", "description": f"In the years {first} to {last}."}
    return named


def words(vocabulary: type[IntEnum]) -> list[str]:
    """What is sent for the members of a vocabulary."""
    return [member.name.lower() for member in vocabulary]


def _name(name: str) -> str:
    """`Message_Counts_`, as msgspec has it, as `CountsMessage`."""
    return name.removeprefix("Message_").rstrip("_") + "Message" if name.startswith("Message_") else name


def _plain(schema: Any) -> Any:
    """A schema as a device's maker needs it: a field that is not known is left out, never null."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    choices = schema.get("anyOf", ())
    if {"type": "null"} in choices:
        (only,) = (each for each in choices if each != {"type": "null"})
        schema = {**{key: value for key, value in schema.items() if key not in ("anyOf", "default")}, **only}
    made = {key: _plain(value) for key, value in schema.items() if key != "title" or not isinstance(value, str)}
    if made.get("format") == "date-time":
        made["description"] = "ISO 8601 with an offset; one without is refused."
    if isinstance(made.get("description"), str):
        made["description"] = " ".join(made["description"].split())
    if "$ref" in made:
        head, _, name = made["$ref"].rpartition("/")
        made["$ref"] = f"{head}/{_name(name)}"
    return made


def _server() -> Json:
    will = {"topic": _address(Kind.STATUS), "qos": QOS, "retain": False, "message": '{"records":[{"event":"death"}]}'}
    return {
        "host": "{host}:8883",
        "variables": {"host": {"description": "where the city's broker is"}},
        "protocol": "secure-mqtt",
        "protocolVersion": "5",
        "description": "MQTT over TLS 1.2 or newer; there is no plain port. MQTT 5 preferred, 3.1.1 accepted.",
        "security": [{"$ref": "#/components/securitySchemes/deviceAccount"}],
        "bindings": {"mqtt": {"lastWill": will, "keepAlive": KEEPALIVE_S, "bindingVersion": MQTT_BINDING}},
    }


def _address(kind: Kind) -> str:
    return "/".join((PREFIX, VERSION, *(f"{{{part}}}" for part in _PARTS), kind))


def _channel(kind: Kind, summary: str) -> Json:
    return {
        "address": _address(kind),
        "summary": summary,
        "messages": {str(kind): {"$ref": f"#/components/messages/{kind}"}},
        "parameters": {part: {"$ref": f"#/components/parameters/{part}"} for part in _PARTS},
    }


def _operation(action: str, kind: Kind, summary: str) -> Json:
    mark = kind is Kind.MARK  # the newest counts, and the broker keeps it
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{kind}"},
        "summary": summary,
        "messages": [{"$ref": f"#/channels/{kind}/messages/{kind}"}],
        "bindings": {"mqtt": {"qos": 0 if mark else QOS, "retain": mark, "bindingVersion": MQTT_BINDING}},
    }


def _message(kind: Kind, summary: str) -> Json:
    name = wire.Mark.__name__ if kind is Kind.MARK else f"{wire.RECORDS[kind].__name__}Message"
    return {
        "name": str(kind),
        "summary": summary,
        "contentType": JSON,
        "payload": {"$ref": f"#/components/schemas/{name}"},
        "examples": [{"payload": msgspec.to_builtins(each)} for each in _examples(kind)],
        "x-max-payload-bytes": MAX_PAYLOAD_BYTES,
    }


def _examples(kind: Kind) -> list[Any]:
    if kind is Kind.MARK:
        return [MARK]
    messages = [Message(list(records), *NUMBER) for records in EXAMPLES[kind]]
    if kind is Kind.STATUS:
        messages[-1] = Message(messages[-1].records)  # a last will is written before the fact: it has no number
    return messages
