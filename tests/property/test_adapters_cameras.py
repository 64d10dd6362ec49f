"""Laws of the camera families: whatever comes becomes records or a rejection with its reason, which quotes no plate."""

import json
from typing import Any
from xml.sax.saxutils import escape

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.delivery import REASONS
from contracts.topics import Kind
from tests.fixtures.foreign_city import Listening, device
from tests.unit.test_adapter_frigate import AFTER, AVAILABLE, EVENTS, UPDATE, UPDATES
from tests.unit.test_adapter_hikvision import CAPTURED, MAC
from tests.unit.test_adapter_onvif import CROSSED, FRAMES, HIGH, RECOGNISED, SEEN, SENSOR, crossed, frame

PLATE = "1กข 1234"
CAMERA: dict[str, Any] = {"type": "camera", "kinds": (Kind.PASSAGE, Kind.READINGS, Kind.STATUS)}
HEARD = Listening(
    device(
        "frigate",
        {
            "topics": [EVENTS, UPDATES, AVAILABLE, "frigate/front_door/#"],
            "lanes": {"driveway": 1},
            "params": {"speed_unit": "mph", "forward_deg": 90.0},
            "fields": [{"field": "front_door/car", "metric": "flow-car"}],
        },
        "fr",
        **CAMERA,
    ),
    device("frigate", {"topics": ["nvr/#"], "params": {"plates": "updates", "prefix": "nvr"}}, "fr-2", **CAMERA),
    device("hikvision", {"topics": ["hik/1"], "source": MAC, "words": {"reverse": "backward"}}, "hik", **CAMERA),
    device(
        "onvif",
        {
            "topics": ["MyDevice/#"],
            "lanes": {"Gate": 1},
            "fields": [
                {"field": "Device/Sensor/Temperature/High#Value", "metric": "temperature"},
                {"field": "VideoAnalytics#Vehicle", "metric": "flow-car"},
            ],
        },
        "onvif",
        **CAMERA,
    ),
)
TIMES = ["2026-11-22T02:59:57.321Z", "2026-11-22T02:59:57", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
leaves: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, -1, 1e308, 10**400, 1_795_316_390.5, "", "end", PLATE, "\x00", "42", "NaN", *TIMES, [], {}]
)
KEYS = ["type", "after", "camera", "plate", "Source", "Data", "Frame", "Object", "UtcTime", "@UtcTime", "Rule", PLATE]
trees = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
)


def paths(content: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    return [at, *(path for key, value in inner for path in paths(value, (*at, key)))]


def put(content: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The content with something else at a path."""
    if not path:
        return value
    key, rest = path[0], path[1:]
    if isinstance(content, list):
        return [put(each, rest, value) if at == key else each for at, each in enumerate(content)]
    return {**content, key: put(content[key], rest, value)}


GOOD: list[tuple[str, Any]] = [
    (EVENTS, {"type": "end", "before": {}, "after": AFTER}),
    (UPDATES, UPDATE),
    ("nvr/tracked_object_update", UPDATE),
    ("frigate/front_door/car", 3),
    (CROSSED, json.loads(crossed("Gate"))),
    (RECOGNISED, {"UtcTime": TIMES[0], "Source": {"Rule": "Gate"}, "Data": SEEN}),
    (HIGH, {"UtcTime": TIMES[0], "Source": {"SensorID": "t"}, "Data": {"Value": 28.65}}),
    (SENSOR, {"SensorData": {"@UtcTime": TIMES[0], "@SensorID": "t", "Value": 298.65}}),
    (FRAMES, {"Frame": [frame("Vehicle", "Human")]}),
]
TOPICS = [*(topic for topic, _ in GOOD), AVAILABLE, "nvr/events", "nvr/other", "hik/1", "MyDevice/none", "MyDevice"]


def changed(good: tuple[str, Any]) -> st.SearchStrategy[tuple[str, bytes]]:
    topic, content = good
    return st.tuples(st.sampled_from(paths(content)), leaves | trees).map(
        lambda change: (topic, json.dumps(put(content, *change), ensure_ascii=False).encode())
    )


NAMES = ["EventNotificationAlert", "ANPR", "eventType", "macAddress", "dateTime", "licensePlate", "line", "country"]
texts = st.sampled_from(["ANPR", MAC, PLATE, "97", "-1", "", "heartBeat", *TIMES]).map(escape)
elements: st.SearchStrategy[str] = st.recursive(
    st.tuples(st.sampled_from(NAMES), texts).map(lambda made: f"<{made[0]}>{made[1]}</{made[0]}>"),
    lambda inner: st.tuples(st.sampled_from(NAMES), st.lists(inner, max_size=4)).map(
        lambda made: f"<{made[0]}>{''.join(made[1])}</{made[0]}>"
    ),
)
ODD = [
    f"<!DOCTYPE a [<!ENTITY x '{PLATE}'>]>",
    "&x;",
    "<",
    "]]>",
    "\0",
    "<!--",
    "<![CDATA[",
    f"<{PLATE}/>",
    "&#0;",
    PLATE,
]


def cut_up(at: int, length: int, odd: str) -> bytes:
    return (CAPTURED[:at] + odd + CAPTURED[at + length :]).encode()


cut = st.builds(cut_up, st.integers(0, len(CAPTURED)), st.integers(0, 40), st.sampled_from(ODD))
messages = st.one_of(
    st.tuples(st.sampled_from(TOPICS), st.binary(max_size=60)),
    st.tuples(st.sampled_from(TOPICS), trees.map(lambda tree: json.dumps(tree).encode())),
    st.sampled_from(GOOD).flatmap(changed),
    st.tuples(st.just("hik/1"), elements.map(str.encode) | cut),
)


@settings(max_examples=600)
@given(messages)
def test_whatever_comes_becomes_records_or_a_rejection_with_its_reason(message: tuple[str, bytes]) -> None:
    topic, payload = message
    result = HEARD.hear(topic, payload)
    rows = sum(result.kind(kind).size for kind in ("reading", "passage", "signal", "status"))
    assert rows + len(result.rejections) + result.passed_over + result.retained >= 1
    for rejection in result.rejections:
        assert rejection.reason in REASONS and rejection.detail
        assert "กข" not in rejection.detail


@settings(max_examples=200)
@given(messages)
def test_the_same_bytes_become_the_same(message: tuple[str, bytes]) -> None:
    topic, payload = message
    first, second = HEARD.hear(topic, payload), HEARD.hear(topic, payload)
    for kind in ("reading", "passage", "status"):
        assert first.kind(kind).tobytes() == second.kind(kind).tobytes()
    assert first.rejections == second.rejections
