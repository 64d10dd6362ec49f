"""What waits for the next turn: each once, in order, bounded, and nobody's fault where our clock was wrong."""

from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import msgspec

from app.admitting import Admitted, Admitting, in_force
from app.held import Held
from app.left_out import LeftOut
from app.our_clock import DEVICES_MIN
from app.parts import Parts
from contracts import wire
from contracts.city import City, numbered
from contracts.clock import SECOND_US, to_datetime
from contracts.delivery import Delivery
from contracts.devices import Device
from contracts.records import Reading
from contracts.topics import Kind
from ingest.decode import IntakeLimits
from ingest.mailbox import TAKEN_BYTES
from processing.state import State
from tests.fixtures.fake_sealer import FakeSealer
from tests.fixtures.small_city import small_city
from tests.fixtures.stream import START_US

BEHIND = timedelta(hours=2)
"""How far our clock is behind before it is set."""


def delivery(number: int, size: int = 1) -> Delivery:
    return Delivery(str(number), b"." * size, number)


def test_what_is_held_is_taken_once_in_order_however_often_it_was_handed_over() -> None:
    first, second = delivery(1), delivery(2)
    held = Held()
    for deliveries in ([first], [first, second], [second]):
        held.add(deliveries)
    assert (held.taken(), len(held), held.taken()) == ([first, second], 0, [])


def test_equal_deliveries_are_two() -> None:
    held = Held()
    held.add([delivery(1), delivery(1)])
    assert len(held) == 2


def test_beside_many_messages_or_many_bytes_nothing_more_is_taken() -> None:
    held = Held()
    assert held.room_beside(3) == 3
    held.add([delivery(1), delivery(2)])
    assert (held.room_beside(3), held.room_beside(1)) == (1, 0)
    held.add([delivery(3, TAKEN_BYTES)])
    assert held.room_beside(1_000) == 0


def city() -> City:
    small = small_city()
    (water,) = (device for device in small.devices if device.id == "water-01")
    more = [msgspec.structs.replace(water, id=f"water-1{at:02}", no=0) for at in range(DEVICES_MIN)]
    return numbered(msgspec.structs.replace(small, devices=(*small.devices, *more)))


def said(device: Device, received_us: int) -> Delivery:
    """A reading of a device that knows what time it is."""
    reading = Reading("level", 1.0, to_datetime(START_US) + BEHIND)
    topic = f"andaman/v1/testville/{device.zone}/{device.id}/readings"
    return Delivery(topic, wire.encode(Kind.READINGS, [reading], 1, 1), received_us)


def test_what_was_held_for_our_clock_is_accepted_as_soon_as_that_is_right() -> None:
    known, held = in_force(city()), Held()
    parts = cast(Parts, SimpleNamespace(sealer=FakeSealer(), log=None))
    admitting = Admitting(parts, 0, IntakeLimits(), LeftOut(), held.add, lambda: None)
    state = State()
    state.grow(max(known.devices) + 1)
    waters = [device for device in known.city.devices if device.type == "water"]

    def admitted(now_us: int) -> Admitted:
        held.received_anew(now_us)
        return admitting.admit(state, held.taken(), known)

    held.add([said(device, START_US) for device in waters])
    for at in range(3):
        nothing = admitted(START_US + at * SECOND_US)
        assert (admitting.our_clock.wrong, nothing.rejections, nothing.deliveries) == (True, [], ())
    late = admitted(START_US + round(BEHIND.total_seconds() * SECOND_US))
    assert (admitting.our_clock.wrong, late.rejections, len(held)) == (False, [], 0)
    assert sorted(late.kinds["reading"]["device"].tolist()) == sorted(device.no for device in waters)
