"""Cameras that post: a real client against the real API, and what the real broker then has."""

import base64
import logging
import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from api.posted import BODY_BYTES_MAX, PARTS_MAX
from api.receiver import AT_ONCE, AT_ONCE_EACH
from app import accounts
from app.receiving import CityMailroom, Passwords
from app.services.broker import Broker
from contracts.errors import TransportError
from contracts.receiving import RECEIVER_ACCOUNT
from contracts.records import MAX_PAYLOAD_BYTES
from contracts.topics import Kind
from ingest.connection import Broker as Address
from ingest.publisher import Publisher
from simulators.publish import Account, Heard, Line, connect
from tests.fixtures.api_rig import Rig, api_rig
from tests.fixtures.foreign_city import device, foreign_city
from tests.unit.test_adapter_hikvision import CAPTURED, RECEIVED_US, Camera

URL = "/api/v1/receiver"
CAMERA, OTHER, NATIVE = "cam-hik-1", "cam-hik-2", "cam-402-01"
TOPIC, OTHER_TOPIC = f"hikvision/{CAMERA}", f"hikvision/{OTHER}"
KINDS: dict[str, Any] = {"type": "camera", "kinds": (Kind.PASSAGE, Kind.STATUS)}
DEVICES = [
    device("hikvision", {"topics": [f"hikvision/{name}"], "account": RECEIVER_ACCOUNT}, name, **KINDS)
    for name in (CAMERA, OTHER)
]
CITY = foreign_city(*DEVICES)
PICTURE = b"\xff\xd8\xff\xe0 a picture \r\n--not the boundary\r\n" + bytes(200_000)
PLATE = "8กผ444"
PATIENCE_S = 10.0
OUTCOME = re.compile(r'^andaman_posts_total\{outcome="(\w+)"\} (\S+)$', re.MULTILINE)


def url_of(broker: Broker, folder: Path, account: str) -> str:
    return accounts.with_account(broker.url, account, accounts.passwords(folder, [account])[account])


@dataclass
class Street:
    """A broker of this test with the pipeline's ears, an API that posts to it, and a camera's password."""

    broker: Broker
    folder: Path
    rig: Rig
    passwords: Passwords
    heard: list[Heard] = field(default_factory=list)
    line: Line | None = None

    def url(self, account: str) -> str:
        return url_of(self.broker, self.folder, account)

    def listen(self) -> None:
        """Subscribe as the pipeline does."""
        parts = urlsplit(self.url(accounts.PIPELINE))
        account = Account(self.broker.url, accounts.PIPELINE, parts.password or "")
        self.line = Line(account, "ears", on_heard=self.heard.append)
        connect(self.line, accounts.PIPELINE)
        for topic in (TOPIC, OTHER_TOPIC):
            self.line.subscribed = False
            self.line.subscribe(topic)
            while not self.line.subscribed:
                self.line.pump(0.1)

    def hush(self) -> None:
        assert self.line is not None
        self.line.close()
        self.line = None

    def await_heard(self, count: int) -> list[Heard]:
        """What was published, once it is so much; nothing more comes within a moment."""
        assert self.line is not None
        deadline_s = time.monotonic() + PATIENCE_S
        while len(self.heard) < count and time.monotonic() < deadline_s:
            self.line.pump(0.1)
        self.line.pump(0.1)
        assert len(self.heard) == count
        return self.heard

    def posts(self) -> dict[str, int]:
        """How many posts had which outcome so far, as the metrics tell it."""
        text = self.rig.client("admin").get("/metrics").text
        return {name: int(float(count)) for name, count in OUTCOME.findall(text)}

    def await_posts(self, outcome: str, count: int) -> None:
        """Wait until so many had this outcome."""
        deadline_s = time.monotonic() + PATIENCE_S
        while (found := self.posts()[outcome]) < count:
            assert time.monotonic() < deadline_s, found

    def post(self, content: bytes = b"", auth: httpx.Auth | None = None, **options: Any) -> httpx.Response:
        """One post of the camera, with digest."""
        options.setdefault("headers", {"Content-Type": "multipart/form-data; boundary=boundary"})
        credentials = auth or httpx.DigestAuth(CAMERA, self.passwords.get(CAMERA) or "")
        return self.rig.client().post(URL, content=content, auth=credentials, **options)


@pytest.fixture(scope="module")
def street_of_all(
    role_dsn: Callable[[str], str], run_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Street]:
    folder = run_folder / "receiver"
    broker = Broker(folder)
    broker.start()
    accounts.give_accounts(broker, folder, CITY)
    passwords = Passwords(folder)

    def address() -> Address:
        return Address.of(url_of(broker, folder, RECEIVER_ACCOUNT))

    mailroom = CityMailroom(lambda: CITY, passwords, Publisher(address, RECEIVER_ACCOUNT))
    with api_rig(role_dsn, tmp_path_factory.mktemp("api"), mailroom=mailroom) as rig:
        yield Street(broker, folder, rig, passwords)
    mailroom.close()
    broker.stop()


@pytest.fixture
def street(street_of_all: Street) -> Iterator[Street]:
    for name in (CAMERA, OTHER):
        street_of_all.passwords.renew(name)
    street_of_all.heard.clear()
    street_of_all.listen()
    yield street_of_all
    if street_of_all.line is not None:
        street_of_all.hush()


_events = iter(range(1_000))


def event(**changed: str) -> str:
    """The captured event; another vehicle each time, unless told otherwise."""
    plate = changed.pop("plate", f"1กข{next(_events) + 1}")
    said = CAPTURED.replace(PLATE, plate)
    for name, value in changed.items():
        before, _, rest = said.partition(f"<{name}>")
        said = f"{before}<{name}>{value}{rest[rest.index('<') :]}"
    return said


def parts(*named: tuple[str, str, bytes]) -> bytes:
    """A multipart body as cameras write it."""
    body = b""
    for name, kind, content in named:
        head = f'Content-Disposition: form-data; name="{name}"; filename="{name}"\r\nContent-Type: {kind}\r\n'
        body += f"--boundary\r\n{head}Content-Length: {len(content)}\r\n\r\n".encode() + content + b"\r\n"
    return body + b"--boundary--\r\n"


def as_posted(said: str | bytes) -> bytes:
    xml = said.encode() if isinstance(said, str) else said
    pictures = [("licensePlatePicture.jpg", "image/jpeg", PICTURE), ("detectionPicture.jpg", "image/jpeg", PICTURE)]
    return parts(("anpr.xml", "text/xml", xml), *pictures)


def test_a_camera_that_posts_with_digest_has_its_event_on_its_topic_and_no_picture_is_kept(street: Street) -> None:
    said = event()
    answer = street.post(as_posted(said))
    assert (answer.status_code, answer.json()) == (200, {"status": "received"})
    (heard,) = street.await_heard(1)
    assert (heard.topic, heard.payload, heard.qos) == (TOPIC, said.encode(), 1)
    result = Camera(*DEVICES).hear(heard.topic, heard.payload, received_us=RECEIVED_US)
    assert (result.passages.size, result.rejections) == (1, ())


def test_basic_is_taken_too_and_an_event_without_pictures(street: Street) -> None:
    said = event()
    basic = httpx.BasicAuth(CAMERA, street.passwords.get(CAMERA) or "")
    answer = street.post(said.encode(), basic, headers={"Content-Type": 'application/xml; charset="UTF-8"'})
    assert answer.status_code == 200
    assert street.await_heard(1)[0].payload == said.encode()


def test_what_is_posted_twice_is_published_once(street: Street) -> None:
    said = event()
    for _ in range(3):
        assert street.post(as_posted(said)).status_code == 200
    street.await_heard(1)


def test_a_plate_that_is_read_again_within_three_seconds_is_one_vehicle(street: Street) -> None:
    times = ("10:44:56.365", "10:44:57.9", "10:44:59.365", "10:44:50")
    for time_of_day in times:
        said = event(plate="5กก55", dateTime=f"2025-11-12T{time_of_day}+07:00")
        assert street.post(as_posted(said)).status_code == 200
    heard = [each.payload.decode().partition("12T")[2][:8] for each in street.await_heard(3)]
    assert heard == ["10:44:56", "10:44:59", "10:44:50"]


def test_vehicles_without_a_plate_and_the_same_plate_elsewhere_are_no_repeats(street: Street) -> None:
    for plate in ("unknown", "unknown", "6กก66"):
        assert street.post(as_posted(event(plate=plate))).status_code == 200
    other = httpx.DigestAuth(OTHER, street.passwords.get(OTHER) or "")
    assert street.post(as_posted(event(plate="6กก66")), other).status_code == 200
    assert [each.topic for each in street.await_heard(4)] == [TOPIC, TOPIC, TOPIC, OTHER_TOPIC]


def test_nobody_else_posts(street: Street) -> None:
    right = street.passwords.get(CAMERA) or ""
    street.passwords.renew(NATIVE)
    tries: list[httpx.Auth] = [
        httpx.DigestAuth(CAMERA, "wrong"), httpx.BasicAuth(CAMERA, "wrong"), httpx.BasicAuth(CAMERA, ""),
        httpx.DigestAuth("nobody", right), httpx.BasicAuth("nobody", ""), httpx.BasicAuth(OTHER, right),
        httpx.BasicAuth(NATIVE, street.passwords.get(NATIVE) or ""), httpx.BasicAuth(RECEIVER_ACCOUNT, right),
    ]  # fmt: skip
    for credentials in tries:
        answer = street.post(as_posted(event()), credentials)
        assert answer.status_code == 401
        assert [each.partition(" ")[0] for each in answer.headers.get_list("www-authenticate")] == ["Digest", "Basic"]
    for role in ("admin", None):
        assert street.rig.client(role).post(URL, content=as_posted(event())).status_code == 401
    assert street.rig.client("admin").get(URL).status_code == 405
    street.await_heard(0)


@pytest.mark.parametrize(
    "header",
    [
        "", "Digest", "Digest ,", 'Digest username="cam-hik-1"', "Basic", "Basic !", "Basic /w==", "Basic Og==",
        'Digest realm="andaman", uri="/api/v1/receiver", nonce="x.y.z", username="cam-hik-1", response="0"',
        'Digest realm="andaman", uri="http://[", nonce="", username="cam-hik-1", qop=auth, nc=zz, response="0"',
        "Digest " + 'a="' * 600, "Digest " + "\\" * 1_500, "Basic " + "A" * 3_000,
    ],
)  # fmt: skip
def test_a_header_that_is_no_credential_is_refused_and_breaks_nothing(street: Street, header: str) -> None:
    assert street.rig.client().post(URL, content=b"x", headers={"Authorization": header}).status_code == 401


def test_a_password_that_is_renewed_or_revoked_counts_at_once(street: Street) -> None:
    old = street.passwords.get(CAMERA) or ""
    new = street.passwords.renew(CAMERA)
    assert street.post(as_posted(event()), httpx.DigestAuth(CAMERA, old)).status_code == 401
    assert street.post(as_posted(event()), httpx.DigestAuth(CAMERA, new)).status_code == 200
    street.passwords.revoke(CAMERA)
    assert street.post(as_posted(event()), httpx.DigestAuth(CAMERA, new)).status_code == 401
    assert street.post(as_posted(event()), httpx.BasicAuth(CAMERA, "")).status_code == 401
    street.await_heard(1)


class Overheard(httpx.DigestAuth):
    """Digest that remembers what it sent."""

    header = ""

    def auth_flow(self, request: httpx.Request) -> Any:
        yield from super().auth_flow(request)
        Overheard.header = request.headers["authorization"]


def test_an_overheard_request_cannot_be_sent_again(street: Street) -> None:
    assert street.post(as_posted(event()), Overheard(CAMERA, street.passwords.get(CAMERA) or "")).status_code == 200
    headers = {"Authorization": Overheard.header, "Content-Type": "multipart/form-data; boundary=boundary"}
    answer = street.rig.client().post(URL, content=as_posted(event()), headers=headers)
    assert answer.status_code == 401 and "stale=true" in answer.headers["www-authenticate"]
    street.await_heard(1)


def test_a_stranger_is_refused_before_his_body_is_read(street: Street) -> None:
    parts_of_url = urlsplit(street.rig.url)
    with socket.create_connection((parts_of_url.hostname, parts_of_url.port), 5.0) as stranger:
        head = f"POST {URL} HTTP/1.1\r\nHost: x\r\nContent-Type: application/xml\r\nContent-Length: 9000000\r\n\r\n"
        stranger.sendall(head.encode())
        assert stranger.recv(12) == b"HTTP/1.1 401"


def test_one_camera_that_sends_slowly_keeps_no_other_out(street: Street) -> None:
    def slow(name: str) -> socket.socket:
        made = socket.create_connection((parts_of_url.hostname, parts_of_url.port), 5.0)
        word = base64.b64encode(f"{name}:{street.passwords.get(name)}".encode()).decode()
        head = f"POST {URL} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {word}\r\nContent-Type: text/xml\r\n"
        made.sendall(f"{head}Content-Length: 9000\r\n\r\n<a>".encode())
        return made

    parts_of_url = urlsplit(street.rig.url)
    before = street.posts()
    senders = [slow(CAMERA) for _ in range(AT_ONCE)]
    try:
        street.await_posts("later", before["later"] + AT_ONCE - AT_ONCE_EACH)
        basic = httpx.BasicAuth(OTHER, street.passwords.get(OTHER) or "")
        assert street.post(as_posted(event()), basic).status_code == 200
        assert street.post(as_posted(event())).status_code == 503
    finally:
        for each in senders:
            each.close()
    street.await_posts("unusable", before["unusable"] + AT_ONCE_EACH)
    assert street.post(as_posted(event())).status_code == 200
    street.await_heard(2)


def test_the_metrics_say_how_many_posts_had_which_outcome_and_of_nobody(street: Street) -> None:
    before, said = street.posts(), as_posted(event(plate=PLATE, dateTime="2025-11-12T12:44:56+07:00"))
    for _ in range(2):
        assert street.post(said).status_code == 200
    assert street.post(said, httpx.BasicAuth("1กข1234", "wrong")).status_code == 401
    assert street.post(b"x").status_code == 400
    street.hush()
    assert street.post(as_posted(event())).status_code == 503
    grown = {outcome: count - before[outcome] for outcome, count in street.posts().items()}
    assert grown == {
        "taken": 1, "repeated": 1, "asked": 4, "refused": 1, "unusable": 1, "later": 1, "failed": 0
    }  # fmt: skip
    text = street.rig.client("admin").get("/metrics").text
    assert not any(word in text for word in (CAMERA, PLATE, "1กข1234", "127.0.0.1"))


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{}", "application/json", 415),
        (b"x", "multipart/form-data", 415),
        (b"x", "", 415),
        (b"x", "multipart/form-data; boundary=boundary", 400),
        (b"", "multipart/form-data; boundary=boundary", 400),
        (b"", "application/xml", 400),
        (parts(("a.jpg", "image/jpeg", b"x")), "multipart/form-data; boundary=boundary", 400),
        (parts(("anpr.xml", "text/xml", b"<a/>"))[:-30], "multipart/form-data; boundary=boundary", 400),
        (parts(*[("a.jpg", "image/jpeg", b"")] * (PARTS_MAX + 1)), "multipart/form-data; boundary=boundary", 413),
        (as_posted(b"x" * (MAX_PAYLOAD_BYTES + 1)), "multipart/form-data; boundary=boundary", 413),
        (b"x" * (MAX_PAYLOAD_BYTES + 1), "text/xml", 413),
        (parts(("a" * 2_000, "image/jpeg", b"x")), "multipart/form-data; boundary=boundary", 400),
        (b"--" + b"b" * 300, f"multipart/form-data; boundary={'b' * 300}", 400),
    ],
)
def test_what_is_no_post_of_a_camera_is_refused_by_its_status(
    street: Street, content: bytes, kind: str, status: int
) -> None:
    basic = httpx.BasicAuth(CAMERA, street.passwords.get(CAMERA) or "")
    answer = street.post(content, basic, headers={"Content-Type": kind})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    street.await_heard(0)


def test_a_body_is_bounded_whether_it_says_its_length_or_not(street: Street) -> None:
    def endless() -> Iterator[bytes]:
        yield b"--boundary\r\nContent-Type: image/jpeg\r\n\r\n"
        for _ in range(BODY_BYTES_MAX // 65_536 + 1):
            yield bytes(65_536)

    basic = httpx.BasicAuth(CAMERA, street.passwords.get(CAMERA) or "")
    assert street.post(bytes(BODY_BYTES_MAX + 1), basic).status_code == 413
    headers = {"Content-Type": "multipart/form-data; boundary=boundary"}
    assert street.rig.client().post(URL, content=endless(), auth=basic, headers=headers).status_code == 413
    assert street.rig.client("admin").post("/api/v1/session", content=bytes(70_000)).status_code == 413


@pytest.mark.parametrize(
    "said",
    [
        "<!DOCTYPE a [<!ENTITY x 'y'>]><EventNotificationAlert>&x;</EventNotificationAlert>",
        CAPTURED[:-30],
        "\0\0",
        event(dateTime=PLATE),
    ],
)
def test_a_broken_event_comes_to_the_pipeline_and_is_a_rejection_there(street: Street, said: str) -> None:
    assert street.post(as_posted(said)).status_code == 200
    (heard,) = street.await_heard(1)
    assert heard.payload == said.encode()
    assert Camera(*DEVICES).refused(heard.topic, heard.payload) == "schema"


def test_while_nobody_is_subscribed_a_camera_is_told_to_send_it_again(street: Street) -> None:
    street.hush()
    said = as_posted(event())
    answer = street.post(said)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    street.listen()
    assert street.post(said).status_code == 200
    street.await_heard(1)


@pytest.mark.slow
def test_what_is_sent_again_because_its_confirmation_did_not_come_is_one_record(street: Street) -> None:
    said = event()
    assert street.post(as_posted(event())).status_code == 200  # there is a connection
    pid = street.broker.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        assert street.post(as_posted(said)).status_code == 503
    finally:
        os.kill(pid, signal.SIGCONT)
    assert street.post(as_posted(said)).status_code == 200
    _, first, again = street.await_heard(3)
    assert first.payload == again.payload == said.encode()
    rows = Camera(*DEVICES).hear(TOPIC, first.payload, again.payload, received_us=RECEIVED_US).passages
    assert rows["seq"][0] == rows["seq"][1]


def test_a_broker_that_is_away_and_comes_back_is_found_without_a_restart(street: Street) -> None:
    said = as_posted(event())
    street.hush()
    street.broker.stop()
    assert street.post(said).status_code == 503
    street.broker.start()
    street.listen()
    deadline_s = time.monotonic() + PATIENCE_S
    while (status := street.post(said).status_code) != 200:
        assert status == 503 and time.monotonic() < deadline_s
    street.await_heard(1)


def test_the_receiver_says_nothing_where_it_may_not_and_hears_nothing(street: Street) -> None:
    publisher = Publisher(lambda: Address.of(street.url(RECEIVER_ACCOUNT)), "test")
    with pytest.raises(TransportError, match="refuses"):
        publisher.publish(f"andaman/v1/{CITY.id}/wichit/{NATIVE}/passage", b"{}")
    publisher.close()


def test_no_plate_and_no_password_is_in_a_log_line_or_an_answer(
    street: Street, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = as_posted(event(plate=PLATE))
    answers = [street.post(said), street.post(said, httpx.BasicAuth(CAMERA, "a wrong one"))]
    street.hush()
    answers.append(street.post(as_posted(event(plate=PLATE, dateTime="2025-11-12T11:44:56+07:00"))))
    answers.append(street.post(said[:200]))
    assert [answer.status_code for answer in answers] == [200, 401, 503, 400]
    texts = caplog.text + "".join(f"{answer.text}{answer.headers}" for answer in answers)
    assert PLATE not in texts and "a wrong one" not in texts
    assert (street.passwords.get(CAMERA) or "") not in texts
