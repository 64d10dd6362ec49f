"""The fleet against a real Mosquitto: accounts, last wills, numbers, and a memory that outlives the broker's."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from app.services.broker import Broker
from contracts.city import City
from contracts.errors import TransportError
from contracts.topics import Kind
from contracts.wire import encode_mark
from simulators.fleet import FleetReport, run_fleet
from simulators.publish import Account, Heard, Line, connect, publish_one
from simulators.recording import Progress, Recording, record, replay
from tests.figures import in_proportion
from tests.fixtures.phuket import phuket

PATIENCE_S = 30.0
PASSWORD = "of the tests"
ACL = (
    "user pipeline",
    "topic readwrite andaman/#",
    "pattern write andaman/v1/+/+/%u/+",
    "pattern read andaman/v1/+/+/%u/mark",
)
SMALL = (
    *[device for device in phuket().devices if "red_light" in device.functions][:16],
    *[device for device in phuket().devices if device.type in ("water", "noise", "air")][-4:],
)
HASTE = 8.0
"""How fast a small city's clock runs, so that a few seconds are enough to see something."""


def small_city() -> City:
    """Twenty devices of Phuket."""
    return msgspec.structs.replace(phuket(), devices=SMALL, sections=())


@pytest.fixture(scope="module")
def own_broker(run_folder: Path) -> Iterator[Broker]:
    """A broker of this module's own: it is killed below."""
    broker = Broker(run_folder / "fleet")
    broker.set_accounts({"pipeline": PASSWORD} | {device.id: PASSWORD for device in phuket().devices}, ACL)
    broker.start()
    yield broker
    broker.stop()


class Pipeline:
    """Stands for the pipeline: hears everything and, where it is told to, publishes each device's mark."""

    def __init__(self, url: str) -> None:
        self.heard: list[Heard] = []
        self.numbers: dict[str, set[tuple[int, int]]] = {}
        self.committing = threading.Event()
        self._account = Account(url, "pipeline", PASSWORD)
        self._stop = threading.Event()
        self._listening = threading.Event()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def listen(self) -> None:
        """Begin to listen; returns when the subscription stands."""
        self._stop.clear()
        self._listening.clear()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._listening.wait(PATIENCE_S)

    def rest(self) -> None:
        """Stop listening: what is said meanwhile is acknowledged by the broker and gone."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def wait(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, PATIENCE_S)

    def count(self) -> int:
        """Different messages heard."""
        return sum(len(numbers) for numbers in list(self.numbers.values()))

    def kinds(self) -> set[str]:
        return {heard.topic.rpartition("/")[2] for heard in self.heard}

    def highest(self, topic: str) -> tuple[int, int]:
        """Boot and highest contiguous number of a device's topic prefix."""
        boot = max(boot for boot, _seq in self.numbers[topic])
        seq = 0
        while (boot, seq + 1) in self.numbers[topic]:
            seq += 1
        return boot, seq

    def _run(self) -> None:
        line = Line(self._account, "pipeline", on_heard=self._hear)
        connect(line, "pipeline")
        line.subscribe("andaman/v1/+/+/+/+")
        committed_s = time.monotonic()
        while not self._stop.is_set():
            line.pump(0.05)
            if line.subscribed:
                self._listening.set()
            if self.committing.is_set() and time.monotonic() - committed_s > 0.5:
                committed_s = time.monotonic()
                for topic in list(self.numbers):
                    line.publish(f"{topic}/mark", encode_mark(*self.highest(topic)), retained=True)
        line.close()

    def _hear(self, heard: Heard) -> None:
        with self._changed:
            self.heard.append(heard)
            device, _, kind = heard.topic.rpartition("/")
            message = json.loads(heard.payload)
            if kind != Kind.MARK and "seq" in message:
                self.numbers.setdefault(device, set()).add((message["boot"], message["seq"]))
            self._changed.notify_all()


class Fleet:
    """A fleet that runs beside the test, and is stopped with it."""

    def __init__(self, city: City, url: str, speed: float = 1.0, truth: Path | None = None) -> None:
        self.reports: list[FleetReport] = []
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(1)
        self._done: Future[None] = self._pool.submit(
            run_fleet,
            city,
            url,
            lambda _device: PASSWORD,
            1,
            speed=speed,
            stop=self._stop,
            report=self._report,
            truth=truth,
        )

    def __enter__(self) -> "Fleet":
        return self

    def __exit__(self, *_problem: object) -> None:
        self._stop.set()
        self._pool.shutdown()

    def wait(self, condition: Callable[[FleetReport], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self.reports[-1]), PATIENCE_S)

    def _report(self, report: FleetReport) -> None:
        with self._changed:
            self.reports.append(report)
            self._changed.notify_all()

    def stop(self) -> FleetReport:
        self._stop.set()
        self._done.result(PATIENCE_S)
        return self.reports[-1]


@pytest.fixture
def pipeline(own_broker: Broker) -> Iterator[Pipeline]:
    made = Pipeline(own_broker.url)
    made.listen()
    yield made
    made.rest()


def test_a_whole_city_is_heard_in_every_kind_within_twenty_seconds(own_broker: Broker, pipeline: Pipeline) -> None:
    began_s = time.monotonic()
    devices = {device.id for device in phuket().devices}
    with Fleet(phuket(), own_broker.url) as fleet:
        pipeline.wait(lambda: {topic.rpartition("/")[2] for topic in pipeline.numbers} == devices)
        pipeline.wait(lambda: pipeline.kinds() == {"counts", "passage", "readings", "signal", "status"})
        assert time.monotonic() - began_s < in_proportion(20.0)
        report = fleet.stop()
    assert (report.devices, report.connected, report.refused) == (len(devices), len(devices), 0)
    births = [json.loads(heard.payload) for heard in pipeline.heard if heard.topic.endswith("/status")]
    assert all(not heard.retained for heard in pipeline.heard)
    assert sum(birth["records"][0]["event"] == "birth" for birth in births) == len(devices)
    assert not any(birth["records"][0]["event"] == "death" for birth in births)


def test_what_the_mark_has_passed_leaves_the_memory(own_broker: Broker, pipeline: Pipeline, tmp_path: Path) -> None:
    pipeline.committing.set()
    with Fleet(small_city(), own_broker.url, HASTE, tmp_path / "truth.jsonl") as fleet:
        pipeline.wait(lambda: pipeline.count() > 200)
        pipeline.wait(lambda: sum(heard.topic.endswith("/mark") for heard in pipeline.heard) > 3 * len(SMALL))
        report = fleet.stop()
    assert report.said > 200
    assert report.kept < report.said / 2
    assert report.refused == report.resent == 0
    named = {topic.rpartition("/")[2]: numbers for topic, numbers in pipeline.numbers.items()}
    truths = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text().splitlines()]
    unheard = [truth for truth in truths if (truth["boot"], truth["seq"]) not in named[truth["device"]]]
    assert len(unheard) <= report.kept


def test_a_broker_that_dies_with_its_memory_loses_nothing_of_ours(own_broker: Broker, pipeline: Pipeline) -> None:
    pipeline.committing.set()
    with Fleet(small_city(), own_broker.url, HASTE) as fleet:
        pipeline.wait(lambda: len(pipeline.numbers) == len(SMALL))
        pipeline.rest()
        fleet.wait(lambda report: report.acknowledged > pipeline.count() + 20)  # acknowledged, and heard by nobody
        assert own_broker.pid is not None
        os.kill(own_broker.pid, signal.SIGKILL)
        own_broker.start()
        pipeline.listen()
        heard = {topic: len(numbers) for topic, numbers in pipeline.numbers.items()}
        pipeline.wait(lambda: all(len(numbers) > heard[topic] for topic, numbers in pipeline.numbers.items()))
        pipeline.wait(lambda: all(len(n) == pipeline.highest(t)[1] for t, n in pipeline.numbers.items()))
        report = fleet.stop()
    assert report.resent > 0 and report.refused == 0
    assert report.said - report.kept <= pipeline.count() <= report.said


def test_a_device_that_is_cut_off_leaves_its_last_will(own_broker: Broker, pipeline: Pipeline) -> None:
    device = phuket().devices[0]
    topic = f"andaman/v1/phuket/{device.zone}/{device.id}/status"
    will = b'{"records":[{"event":"death"}]}'
    line = Line(Account(own_broker.url, device.id, PASSWORD), device.id, will=(topic, will))
    connect(line, device.id)
    assert line.socket is not None
    line.socket.close()
    pipeline.wait(lambda: any((heard.topic, heard.payload) == (topic, will) for heard in pipeline.heard))


def test_one_message_is_published_as_a_device_would(own_broker: Broker, pipeline: Pipeline) -> None:
    device = phuket().devices[0]
    topic = f"andaman/v1/phuket/{device.zone}/{device.id}/status"
    publish_one(own_broker.url, device.id, PASSWORD, topic, b'{"records":[{}]}')
    pipeline.wait(lambda: any(heard.payload == b'{"records":[{}]}' for heard in pipeline.heard))
    with pytest.raises(TransportError, match="refuses"):
        publish_one(own_broker.url, device.id, "wrong", topic, b"{}")
    with pytest.raises(TransportError, match="does not let"):
        publish_one(own_broker.url, device.id, PASSWORD, "andaman/v1/phuket/patong/another/status", b"{}")
    with pytest.raises(TransportError, match="no broker"):
        publish_one("mqtt://127.0.0.1:1", device.id, PASSWORD, topic, b"{}")


def listen_for(url: str, topic_filter: str) -> tuple[mqtt.Client, list[tuple[str, bytes, Any]], threading.Condition]:
    """A plain client beside ours, which sees the properties too."""
    heard: list[tuple[str, bytes, Any]] = []
    changed = threading.Condition()
    ready = threading.Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, "witness", protocol=mqtt.MQTTv5)
    client.username_pw_set("pipeline", PASSWORD)

    def hear(_client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        with changed:
            carried = dict(getattr(message.properties, "UserProperty", []))
            heard.append((message.topic, bytes(message.payload), carried))
            changed.notify_all()

    client.on_message = hear
    client.on_subscribe = lambda *_: ready.set()
    host, port = Account(url).address
    client.connect(host, port)
    client.subscribe(topic_filter, qos=1)
    client.loop_start()
    assert ready.wait(PATIENCE_S)
    return client, heard, changed


def test_a_recording_plays_back_what_was_said_with_its_time(own_broker: Broker, tmp_path: Path) -> None:
    path, ready, stop = tmp_path / "said.parquet", threading.Event(), threading.Event()
    account = Account(own_broker.url, "pipeline", PASSWORD)
    sent = [f'{{"records":[{{"metric":"laeq","value":{number}}}]}}'.encode() for number in range(40)]
    counts: list[int] = []

    def told(rows: int) -> None:
        counts.append(rows)
        ready.set()

    with ThreadPoolExecutor(1) as pool:
        recorded = pool.submit(
            record,
            account,
            path,
            stop,
            topic_filter="andaman/v1/rec/#",
            report=told,
            now_us=lambda: 1_000,
        )
        assert ready.wait(PATIENCE_S)
        line = Line(account, "speaker")
        connect(line, "pipeline")
        line.publish("andaman/v1/rec/patong/noise-1/mark", encode_mark(1, 1), retained=False)
        for payload in sent:
            line.publish("andaman/v1/rec/patong/noise-1/readings", payload)
        deadline = time.monotonic() + PATIENCE_S
        while not counts or counts[-1] < len(sent) + 1:
            line.pump(0.05)
            assert time.monotonic() < deadline
        line.close()
        stop.set()
        assert recorded.result(PATIENCE_S) == len(sent) + 1
    client, heard, changed = listen_for(own_broker.url, "andaman/v1/again/#")
    steps: list[Progress] = []
    done = replay(account, path, threading.Event(), speed=0, city="again", progress=steps.append)
    with changed:
        assert changed.wait_for(lambda: len(heard) == len(sent), PATIENCE_S)
    client.loop_stop()
    client.disconnect()
    assert [payload for _topic, payload, _carried in heard] == sent
    assert {topic for topic, _payload, _carried in heard} == {"andaman/v1/again/patong/noise-1/readings"}
    assert all(carried == {"received_us": "1000"} for _topic, _payload, carried in heard)
    assert (done.published, done.left_out, done.total) == (40, 1, 41) and steps[-1] == done


def test_a_recording_keeps_its_pace(own_broker: Broker, tmp_path: Path) -> None:
    path = tmp_path / "slow.parquet"
    with Recording(path) as recording:
        for number in range(5):
            recording.add(Heard("andaman/v1/rec/patong/noise-1/readings", b"{}", 1, False), number * 1_000_000)
    account = Account(own_broker.url, "pipeline", PASSWORD)
    began_s = time.monotonic()
    replay(account, path, threading.Event(), speed=4.0)
    assert 0.9 < time.monotonic() - began_s < 5.0
