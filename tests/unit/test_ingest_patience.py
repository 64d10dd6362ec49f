"""A device that floods is looked into up to a bound a minute; beyond it, it is counted, and the good gets through."""

import json

from app.batching import tally
from contracts.clock import MINUTE_US, SECOND_US
from contracts.delivery import Decoded, Delivery
from ingest.decode import IntakeLimits, decode
from ingest.patience import LOOKED_INTO_A_MINUTE, STRANGERS_MAX, TOGETHER, Patience
from tests.fixtures.fake_sealer import FakeSealer
from tests.unit.test_ingest_decode import AIR, NOW_US, REGISTRY

FLOOD = LOOKED_INTO_A_MINUTE + 500
GOOD, BAD = {"metric": "pm2_5", "value": 1.5}, {"metric": "pm2_5", "colour": "red"}


def message(*records: object, seq: int | None = None) -> bytes:
    number = {} if seq is None else {"boot": 1, "seq": seq}
    return json.dumps({**number, "records": records}).encode()


def heard(patience: Patience, *payloads: bytes, at_us: int = NOW_US, topic: str = AIR) -> Decoded:
    deliveries = [Delivery(topic, payload, at_us + at) for at, payload in enumerate(payloads)]
    return decode(deliveries, REGISTRY, FakeSealer(), IntakeLimits(), patience)


def test_beyond_the_bound_a_wrong_message_is_counted_without_its_bytes() -> None:
    made = heard(Patience(), *[message(BAD)] * FLOOD)
    whole = [each for each in made.rejections if each.payload]
    (counted,) = [each for each in made.rejections if not each.payload]
    assert (len(whole), counted.count, counted.reason) == (LOOKED_INTO_A_MINUTE, 500, "schema")
    assert sum(each.count for each in tally(made.rejections, NOW_US, NOW_US + SECOND_US)) == FLOOD


def test_a_message_that_is_wrong_throughout_counts_by_its_records() -> None:
    strange = {"metric": "radon", "value": 1}
    for wrong, records in ((BAD, 500), (strange, 500)):
        patience = Patience(1 + 2 * (1 + records // TOGETHER))
        made = heard(patience, *[message(*[wrong] * records, seq=seq) for seq in range(1, 11)])
        assert [each.count for each in made.rejections] == [1, 1, 1, 7], wrong
        assert [bool(each.payload) for each in made.rejections] == [True, True, True, False]


def test_a_good_message_of_a_flooding_device_gets_through() -> None:
    patience = Patience()
    heard(patience, *[message(BAD)] * FLOOD)
    impossible = {**GOOD, "value": 900_000}
    made = heard(patience, message(BAD), message(GOOD, GOOD), b"{", message(GOOD, impossible, impossible))
    assert made.readings["place"].tolist() == [0, 1], "beyond the bound a message is good or counted, as a whole"
    assert {(each.reason, each.count) for each in made.rejections} == {
        ("schema", 1), ("not_json", 1), ("out_of_range", 1)
    }  # fmt: skip


def test_another_device_is_looked_into_as_ever() -> None:
    patience = Patience()
    heard(patience, *[message(BAD)] * FLOOD)
    (other,) = heard(patience, b"{", topic=AIR.replace("air-01/readings", "cam-402-01/counts")).rejections
    assert other.payload == b"{"


def test_the_next_minute_is_looked_into_again() -> None:
    patience = Patience()
    heard(patience, *[message(BAD)] * FLOOD)
    (again,) = heard(patience, message(BAD), at_us=NOW_US + MINUTE_US).rejections
    assert again.payload
    (back,) = heard(patience, *[b"{"] * FLOOD, at_us=NOW_US).rejections[LOOKED_INTO_A_MINUTE - 1 :]
    assert back.count == FLOOD - LOOKED_INTO_A_MINUTE + 1, "a clock that goes back gives nothing"


def test_of_the_numbers_beyond_the_bound_the_highest_is_settled_so_that_the_mark_moves_on() -> None:
    made = heard(Patience(), *(message(BAD, seq=seq) for seq in range(1, FLOOD + 1)))
    (entry,) = tally(made.rejections, NOW_US, NOW_US + SECOND_US)
    assert (len(entry.seq), max(entry.seq), entry.count) == (LOOKED_INTO_A_MINUTE + 1, FLOOD, FLOOD)


def test_a_flood_of_invented_names_leaves_room_for_one_that_is_new_and_takes_no_memory() -> None:
    patience = Patience()
    for name in range(STRANGERS_MAX + 5_000):
        patience.take(f"andaman/v1/testville/wichit/ghost-{name}/readings", NOW_US)
    assert len(patience._taken) <= STRANGERS_MAX + 1
    assert patience.take(7, NOW_US), "a device of the city has its own allowance"


def test_rejections_are_counted_by_the_tick_after_their_receipt_and_within_the_batch() -> None:
    made = heard(Patience(), b"{", b"{", at_us=NOW_US - 10 * SECOND_US)
    (entry,) = tally(made.rejections, NOW_US + 1, NOW_US + 2)
    assert (entry.count, entry.at_us) == (2, NOW_US + SECOND_US)
    spread = [*heard(Patience(), b"{").rejections, *heard(Patience(), b"{", at_us=NOW_US + SECOND_US).rejections]
    assert [each.at_us for each in tally(spread, NOW_US, NOW_US + 5 * SECOND_US)] == [
        NOW_US + SECOND_US,
        NOW_US + 2 * SECOND_US,
    ]
