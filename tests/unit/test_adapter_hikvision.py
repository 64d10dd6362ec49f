"""Hikvision ANPR: an event captured from a camera in Thailand, and what is easily got wrong."""

from typing import Any

import pytest

from contracts import plain_xml
from contracts.errors import ConfigError, MessageRejected
from contracts.records import Direction, Helmet, TimeQuality, VehicleClass
from contracts.topics import Kind
from ingest.adapters.hikvision_provinces import PROVINCES
from ingest.plates import PlateState
from ingest.provinces import PROVINCES as OURS
from tests.fixtures.foreign_city import Listening, device, us

TOPIC = "hikvision/cam-hik-1"
MAC = "e8:a0:ed:2c:e6:24"
RECEIVED_US = us("2025-11-12T10:44:58+07:00")
CAPTURED = (
    '<EventNotificationAlert version="2.0"><ipAddress>192.168.1.251</ipAddress>'
    "<macAddress>e8:a0:ed:2c:e6:24</macAddress><channelID>1</channelID><dateTime>2025-11-12T10:44:56.365+07:00</dateTime><eventType>ANPR</eventType>"
    "<eventState>active</eventState><channelName>IP CAPTURE CAMERA</channelName><ANPR><country>64</country>"
    "<tailandStateID>1</tailandStateID><licensePlate>8กผ444</licensePlate><line>1</line><direction>reverse</direction>"
    "<confidenceLevel>97</confidenceLevel><plateType>unknown</plateType><vehicleType>unknown</vehicleType>"
    "<originalLicensePlate>8กผ444</originalLicensePlate></ANPR><picNum>3</picNum></EventNotificationAlert>"
)
CAMERA: dict[str, Any] = {"type": "camera", "kinds": (Kind.PASSAGE, Kind.STATUS)}


class Camera(Listening):
    """Hears it at the moment of the captured event."""

    def hear(self, topic: str, *payloads: str | bytes, retained: bool = False, received_us: int = RECEIVED_US) -> Any:
        return super().hear(topic, *payloads, retained=retained, received_us=received_us)

    def passage(self, said: str | bytes = CAPTURED) -> Any:
        result = self.hear(TOPIC, said)
        assert result.rejections == ()
        (row,) = result.passages
        return row


def camera(**entry: Any) -> Camera:
    return Camera(device("hikvision", {"topics": [TOPIC], "account": "andaman-receiver", **entry}, **CAMERA))


PLAIN = camera()


def changed(*pairs: tuple[str, str]) -> str:
    said = CAPTURED
    for old, new in pairs:
        assert old in said
        said = said.replace(old, new)
    return said


def typed(vehicle: str, more: str = "") -> str:
    return changed(("<vehicleType>unknown</vehicleType>", f"<vehicleType>{vehicle}</vehicleType>{more}"))


def test_the_captured_event_is_a_passage() -> None:
    row = PLAIN.passage()
    assert (row["event_us"], row["quality"]) == (us("2025-11-12T10:44:56.365+07:00"), TimeQuality.DEVICE)
    assert (row["lane"], row["vehicle"], row["direction"]) == (1, VehicleClass.UNKNOWN, Direction.UNKNOWN)
    assert (row["plate_state"], row["plate_confidence"]) == (PlateState.CLEAR, pytest.approx(0.97))
    assert row["track"] == -1


def sealed(said: str) -> bytes:
    """What was sealed: the fake sealer leaves it readable."""
    return bytes(PLAIN.passage(said)["plate_sealed"])


@pytest.mark.parametrize(
    ("state", "province"), [("1", "TH-10"), ("42", "TH-83"), ("042", "TH-83"), ("83", ""), ("0", "")]
)
def test_the_province_is_the_cameras_own_number_under_the_name_that_it_misspells(state: str, province: str) -> None:
    said = changed(("<tailandStateID>1<", f"<tailandStateID>{state}<"))
    assert f"8กผ444|{province}".encode() in sealed(said)
    assert sealed(said) == sealed(said.replace("tailandStateID", "thailandStateID"))


def test_a_number_of_another_country_is_no_province() -> None:
    assert PLAIN.passage(changed(("<country>64<", "<country>86<")))["plate_state"] == PlateState.DOUBTFUL


def test_every_province_has_one_number() -> None:
    assert sorted(PROVINCES.values()) == sorted(OURS)


def test_nuls_are_left_out_before_it_is_parsed() -> None:
    assert PLAIN.passage(CAPTURED.replace("</line>", "\0\0</line>") + "\0\0")["seq"] == PLAIN.passage()["seq"]


def test_prefixes_and_namespaces_do_not_matter() -> None:
    said = changed(('version="2.0"', 'version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema"'))
    assert PLAIN.passage(said)["seq"] == PLAIN.passage()["seq"]
    assert PLAIN.passage(said.replace("<", "<h:").replace("<h:/", "</h:"))["seq"] == PLAIN.passage()["seq"]


def test_the_same_event_twice_is_the_same_record_also_when_it_says_that_it_is_sent_again() -> None:
    again = changed(("<picNum>3</picNum>", "<picNum>3</picNum><isDataRetransmission>true</isDataRetransmission>"))
    first, second = PLAIN.hear(TOPIC, CAPTURED, again).passages
    assert first["seq"] == second["seq"]


def test_the_uuid_tells_events_apart() -> None:
    named = changed(("<channelID>", "<UUID>0d5fe4a5-1c63-4b3f-9a0c-3ee1b4fb2fd0</UUID><channelID>"))
    assert PLAIN.passage(named)["seq"] != PLAIN.passage()["seq"]


def test_the_camera_is_named_by_its_mac() -> None:
    entry = {"topics": [TOPIC], "account": "cameras-of-the-mall"}
    both = Camera(
        device("hikvision", {**entry, "source": MAC.upper()}, "a", **CAMERA),
        device("hikvision", {**entry, "source": "00:00:00:00:00:01"}, "b", **CAMERA),
    )
    assert both.passage()["device"] == both.registry.devices["a"].no
    assert both.passage(changed((MAC, "00-00-00-00-00-01")))["device"] == both.registry.devices["b"].no
    assert both.refused(TOPIC, changed((MAC, "00:00:00:00:00:02"))) == "unknown_device"
    assert both.refused(TOPIC, changed((f"<macAddress>{MAC}</macAddress>", ""))) == "unknown_device"


def test_forward_and_reverse_are_the_cameras_and_become_the_roads_by_the_entry() -> None:
    assert camera(words={"reverse": "forward"}).passage()["direction"] == Direction.FORWARD


def test_a_line_is_the_lane_of_its_number_or_the_entrys() -> None:
    assert PLAIN.passage(changed(("<line>1<", "<line>2<")))["lane"] == 2
    assert PLAIN.passage(changed(("<line>1<", "<line>99<")))["lane"] == 0
    assert camera(lanes={"1": 7}).passage()["lane"] == 7
    assert camera(lanes={"2": 7}).hear(TOPIC, CAPTURED).passed_over == 1


@pytest.mark.parametrize(
    ("said", "vehicle"),
    [
        ("SUVMPV", VehicleClass.CAR), ("vehicle", VehicleClass.CAR), ("van", VehicleClass.VAN),
        ("largeBus", VehicleClass.BUS), ("truck", VehicleClass.TRUCK), ("pickupTruck", VehicleClass.PICKUP),
        ("twoWheelVehicle", VehicleClass.MOTORCYCLE), ("threeWheelVehicle", VehicleClass.THREE_WHEEL),
        ("hovercraft", VehicleClass.UNKNOWN),
    ],
)  # fmt: skip
def test_a_vehicle_has_the_class_of_its_type(said: str, vehicle: VehicleClass) -> None:
    assert PLAIN.passage(typed(said))["vehicle"] == vehicle


def test_a_pedestrian_is_no_passage() -> None:
    assert PLAIN.hear(TOPIC, typed("pedestrian")).passed_over == 1


def test_helmet_and_riders_are_of_motorcycles_alone() -> None:
    bare = "<helmet>no</helmet><nonMotorManned>yes</nonMotorManned>"
    row = PLAIN.passage(typed("twoWheelVehicle", bare))
    assert (row["helmet"], row["riders"]) == (Helmet.RIDER_BARE, 2)
    row = PLAIN.passage(typed("twoWheelVehicle", bare.replace("no<", "yes<").replace(">yes</non", ">unknown</non")))
    assert (row["helmet"], row["riders"]) == (Helmet.ALL, -1)
    row = PLAIN.passage(typed("vehicle", bare))
    assert (row["helmet"], row["riders"]) == (Helmet.UNKNOWN, -1)


@pytest.mark.parametrize("unread", ["unknown", "", "noPlate"])
def test_a_plate_that_was_not_read_is_none(unread: str) -> None:
    assert PLAIN.passage(changed(("8กผ444", unread)))["plate_state"] == PlateState.NONE


def test_a_plate_that_the_camera_corrected_is_in_doubt() -> None:
    corrected = changed(("<licensePlate>8กผ444", "<licensePlate>8กผ445"))
    assert PLAIN.passage(corrected)["plate_state"] == PlateState.DOUBTFUL


def test_a_time_without_an_offset_is_in_the_zone_of_the_entry() -> None:
    local = changed(("56.365+07:00", "56.365"))
    assert PLAIN.refused(TOPIC, local) == "schema"
    assert camera(time_zone="Asia/Bangkok").passage(local)["seq"] == PLAIN.passage()["seq"]


def test_a_heartbeat_is_a_sign_of_life_and_other_events_are_passed_over() -> None:
    for beat in ("heartBeat<", "videoloss<"):
        said = changed(("ANPR</eventType>", f"{beat}/eventType>"), ("<eventState>active", "<eventState>inactive"))
        assert PLAIN.hear(TOPIC, said).statuses.size == 1
    for event in ("VMD", "videoloss"):
        assert PLAIN.hear(TOPIC, changed((">ANPR</eventType>", f">{event}</eventType>"))).passed_over == 1


LAUGHS = (
    '<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">]>'
    "<EventNotificationAlert>&lol2;</EventNotificationAlert>"
)


@pytest.mark.parametrize(
    "said",
    [
        LAUGHS,
        '<!DOCTYPE a SYSTEM "file:///etc/passwd"><EventNotificationAlert/>',
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><EventNotificationAlert>&x;</EventNotificationAlert>',
        "<!DOCTYPE a><EventNotificationAlert/>",
        "<EventNotificationAlert>&x;</EventNotificationAlert>",
        "<a>" * 40 + "</a>" * 40,
        "<a>" + "<b/>" * 6_000 + "</a>",
        "<EventNotificationAlert>",
        "<EventNotificationAlert/>8กผ444",
        "<Other/>",
        "<EventNotificationAlert/>",
        " ",
        "\ufeff",
        '{"licensePlate":"8กผ444"}',
        changed(("<ANPR>", "<ANPRs>"), ("</ANPR>", "</ANPRs>")),
        changed(("<confidenceLevel>97<", "<confidenceLevel>8กผ444<")),
        changed(("<confidenceLevel>97<", "<confidenceLevel>970<")),
        changed(("2025-11-12T10", "8กผ444T10")),
        changed(("8กผ444", "8กผ444" * 5)),
    ],
)
def test_hostile_or_broken_events_are_refused_without_quoting_them(said: str) -> None:
    assert PLAIN.refused(TOPIC, said) == "schema"
    (rejection,) = PLAIN.hear(TOPIC, said).rejections
    assert "8กผ" not in rejection.detail


def test_the_encoding_is_utf_8_whatever_it_claims() -> None:
    claimed = '<?xml version="1.0" encoding="GB2312"?>' + CAPTURED
    assert PLAIN.passage(claimed)["seq"] == PLAIN.passage()["seq"]
    assert PLAIN.refused(TOPIC, claimed.encode("utf-16")) == "schema"
    with pytest.raises(MessageRejected):
        plain_xml.parse(b"<a>\xff</a>")


def test_words_of_an_entry_become_words_of_ours() -> None:
    with pytest.raises(ConfigError, match="sideways"):
        camera(words={"reverse": "sideways"})
