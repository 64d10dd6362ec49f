"""Whatever a broker loses, doubles or forgets, every number of a device arrives, and its memory stays bounded."""

from collections import deque

from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.device import PATIENCE_MAX_US, Device

SECOND = 1_000_000
MEMORY = 400
ACTIONS = st.lists(
    st.sampled_from(["say", "say", "say", "send", "send", "lose", "double", "commit", "crash", "offline", "wait"]),
    max_size=120,
)


class LossyBroker:
    """A broker and the pipeline behind it: it acknowledges before anything is safe, and forgets when it dies."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.now_us = 0
        self.online = True
        self.queue: deque[int] = deque()
        self.arrived: set[int] = set()
        device.connected(0)

    def do(self, action: str) -> None:
        self.now_us += SECOND
        if action == "say":
            for _one in range(7):
                if self.device.has_room(1):
                    self.device.keep("topic", b"1", self.now_us)
        elif action in ("send", "lose", "double"):
            while (message := self.device.take()) is not None:
                self.device.acknowledged(message.seq)
                self.queue.extend([message.seq] * {"send": 1, "lose": 0, "double": 2}[action])
        elif action == "commit":
            self.commit()
        elif action == "crash":
            self.queue.clear()
            self.reconnect()
        elif action == "offline":
            self.device.disconnected()
            self.online = False
        elif action == "wait":
            self.now_us += PATIENCE_MAX_US
        if not self.online and action == "wait":
            self.reconnect()
        self.device.tend(self.now_us)

    def reconnect(self) -> None:
        self.device.disconnected()
        self.device.connected(self.now_us)
        self.online = True

    def commit(self) -> None:
        self.arrived.update(self.queue)
        self.queue.clear()
        mark = 0
        while mark + 1 in self.arrived:
            mark += 1
        if self.online:
            self.device.settle(1, mark, self.now_us)


@settings(max_examples=150, deadline=None)
@given(ACTIONS)
def test_every_number_arrives_in_the_end(actions: list[str]) -> None:
    broker = LossyBroker(Device(boot=1, memory_messages=MEMORY * 10))
    for action in actions:
        broker.do(action)
    broker.reconnect()
    for _turn in range(40):
        broker.do("send")
        broker.do("commit")
        broker.do("wait")
    assert broker.arrived == set(range(1, broker.device.said + 1))
    assert broker.device.kept == 0


@settings(max_examples=150, deadline=None)
@given(ACTIONS)
def test_memory_is_bounded_and_nothing_is_lost_unseen(actions: list[str]) -> None:
    """With a memory too small for the outage: what is not numbered is counted as refused, and no number has a hole."""
    broker = LossyBroker(Device(boot=1, memory_messages=20))
    offered = 0
    for action in actions:
        offered += 7 if action == "say" else 0
        broker.do(action)
        assert broker.device.kept <= 20
        assert broker.device.said + broker.device.refused == offered
