"""What becomes of a message whose number came before."""

from datetime import UTC, datetime

import numpy as np

from app.batching import conflicts
from contracts import wire
from contracts.columns import READING, Columns
from contracts.delivery import Delivery
from contracts.records import Reading
from contracts.topics import Kind
from tests.fixtures.small_city import small_city

CITY = small_city()
DEVICE = CITY.devices[0]
DEVICES = {device.no: device for device in CITY.devices}
NOW_US = 1_795_316_390_000_000


def message(seq: int, digest: int, records: int) -> tuple[Delivery, Columns]:
    """A message and the rows that it became."""
    said = [Reading("level_m", float(part), datetime.now(UTC)) for part in range(records)]
    topic = f"andaman/v1/{CITY.id}/{DEVICE.zone}/{DEVICE.id}/readings"
    rows = np.zeros(records, READING)
    rows["device"], rows["boot"], rows["seq"], rows["digest"] = DEVICE.no, 1, seq, digest
    rows["part"], rows["received_us"] = np.arange(records), NOW_US
    return Delivery(topic, wire.encode(Kind.READINGS, said, 1, seq), NOW_US), rows


def test_a_message_in_conflict_is_one_rejection_with_its_bytes_however_much_it_holds() -> None:
    (big, many), (small, one) = message(7, 70, 500), message(8, 80, 1)
    other = Delivery("andaman/v1/a/b/c/readings", b"{", NOW_US)
    made = conflicts(np.concatenate((many, one)), [other, big, small], DEVICES)
    assert [(each.seq, each.part, each.payload) for each in made] == [(7, 0, big.payload), (8, 0, small.payload)]
    assert {(each.reason, each.device, each.boot, each.received_us) for each in made} == {
        ("conflict", DEVICE.no, 1, NOW_US)
    }


def test_two_contents_that_both_come_late_are_two_rejections() -> None:
    (first, rows), (second, others) = message(7, 70, 2), message(7, 71, 2)
    assert len(conflicts(np.concatenate((rows, others)), [first, second], DEVICES)) == 2


def test_a_conflict_whose_message_is_not_found_is_told_all_the_same() -> None:
    _, rows = message(7, 70, 1)
    (made,) = conflicts(rows, [], {})
    assert (made.reason, made.seq, made.topic, made.payload) == ("conflict", 7, "", b"")
