"""A network loses, doubles, delays and shuffles messages, each as a whole, and always in the same way."""

from itertools import pairwise

import numpy as np
import pytest

from contracts.clock import MINUTE_US, SECOND_US
from contracts.columns import Columns
from contracts.errors import ConfigError
from simulators.delivery import KINDS, NO_ERRORS, REALISTIC, Errors, spoil
from simulators.journeys import BLOCK_US
from simulators.past import Block, PastPlan, past
from tests.property.test_sim_cut import some_of_phuket

END = 1_795_312_800_000_000 // BLOCK_US * BLOCK_US
SEED = 5


@pytest.fixture(scope="module")
def sent() -> list[Block]:
    plan = PastPlan(counts_s=60, passages_us=45 * MINUTE_US)
    return list(past(some_of_phuket(), SEED, END - 45 * MINUTE_US, END, plan))


def rows(blocks: list[Block]) -> Columns:
    names = ["device", "seq", "part", "received_us"]
    return np.concatenate([getattr(block, kind)[names] for block in blocks for kind in KINDS])


def messages(blocks: list[Block]) -> set[tuple[int, int]]:
    found = rows(blocks)
    return set(zip(found["device"].tolist(), found["seq"].tolist(), strict=True))


def test_without_errors_everything_arrives_as_it_was_sent(sent: list[Block]) -> None:
    assert list(spoil(sent, NO_ERRORS, 1)) == sent


def test_what_arrives_is_in_order_of_receipt_with_places_of_its_own(sent: list[Block]) -> None:
    before_us = 0
    for block in spoil(sent, REALISTIC, 1):
        together = np.concatenate([getattr(block, kind)[["place", "received_us"]] for kind in KINDS])
        together = together[np.argsort(together["place"])]
        assert np.array_equal(together["place"], np.arange(block.records))
        assert (np.diff(together["received_us"]) >= 0).all()
        assert len(block.plates) == len(block.passages)
        if block.records:
            assert before_us <= together["received_us"][0] and together["received_us"][-1] <= block.now_us
        before_us = block.now_us


def test_losses_and_copies_are_as_many_as_asked_for(sent: list[Block]) -> None:
    errors = Errors(lost=0.02, doubled=0.05)
    arrived = list(spoil(sent, errors, 1))
    before, after = messages(sent), messages(arrived)
    assert after < before
    assert 0.01 < 1 - len(after) / len(before) < 0.03
    doubled = rows(arrived)
    _, counts = np.unique(doubled[["device", "seq", "part"]], return_counts=True)
    assert set(counts.tolist()) == {1, 2}
    assert 0.03 < (counts == 2).mean() < 0.07


def test_a_message_is_lost_as_a_whole(sent: list[Block]) -> None:
    arrived = messages(list(spoil(sent, Errors(lost=0.1), 1)))
    parts = rows(sent)
    kept = np.array([pair in arrived for pair in zip(parts["device"].tolist(), parts["seq"].tolist(), strict=True)])
    after = rows(list(spoil(sent, Errors(lost=0.1), 1)))
    assert kept.sum() == len(after)


def test_messages_overtake_each_other_within_the_window_and_late_ones_come_later(sent: list[Block]) -> None:
    when = {key: us for *key_, us in rows(sent).tolist() if (key := tuple(key_))}
    arrived = rows(list(spoil(sent, Errors(jitter_s=1.4), 1)))
    delays = np.array([us - when[device, seq, part] for device, seq, part, us in arrived.tolist()]) / SECOND_US
    assert delays.min() >= 0 and 1.2 < delays.max() <= 1.4
    late = rows(list(spoil(sent, Errors(late=0.05, late_s=300.0), 1)))
    delays = np.array([us - when[device, seq, part] for device, seq, part, us in late.tolist()]) / SECOND_US
    assert 0.03 < (delays > 2).mean() < 0.07 and delays.max() > 200
    assert messages(list(spoil(sent, Errors(late=0.05, late_s=300.0), 1))) == messages(sent)


def test_a_device_without_network_hands_everything_in_afterwards(sent: list[Block]) -> None:
    errors = Errors(offline=0.5, offline_s=90.0)
    arrived = list(spoil(sent, errors, 1))
    assert messages(arrived) == messages(sent)
    when = {key: us for *key_, us in rows(sent).tolist() if (key := tuple(key_))}
    held = np.array([us - when[device, seq, part] for device, seq, part, us in rows(arrived).tolist()])
    assert 0.005 < (held > 0).mean() < 0.2 and held.max() <= 90 * SECOND_US


def test_plates_stay_with_their_passages(sent: list[Block]) -> None:
    plates = {
        key: plate
        for block in sent
        for key, plate in zip(block.passages[["device", "seq"]].tolist(), block.plates, strict=True)
    }
    for block in spoil(sent, REALISTIC, 1):
        for key, plate in zip(block.passages[["device", "seq"]].tolist(), block.plates, strict=True):
            assert plate == plates[key]


def test_the_same_seed_spoils_in_the_same_way_and_another_does_not(sent: list[Block]) -> None:
    one, same, other = (rows(list(spoil(sent, REALISTIC, seed))) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_shares_beyond_one_are_refused() -> None:
    for wrong in ({"lost": 1.5}, {"late": -0.1}, {"jitter_s": -1.0}, {"offline_s": 700.0}):
        with pytest.raises(ConfigError):
            Errors(**wrong)


def test_times_of_blocks_are_kept(sent: list[Block]) -> None:
    ends = [block.now_us for block in spoil(sent, REALISTIC, 1)]
    assert ends[: len(sent)] == [block.now_us for block in sent]
    assert all(one < other for one, other in pairwise(ends))
