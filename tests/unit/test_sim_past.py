"""A past in columns: in order of receipt, numbered without holes, and cut anywhere without a change."""

import msgspec
import numpy as np
import pytest

from contracts.clock import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from contracts.columns import PASSAGE, READING, SIGNAL, STATUS, Columns
from contracts.errors import ConfigError
from contracts.records import StatusEvent
from simulators.journeys import BLOCK_US
from simulators.past import PAST_BOOT, Block, PastPlan, city_of_the_past, past
from simulators.plates import plate_texts
from tests.fixtures.phuket import phuket

END = 1_795_312_800_000_000 // BLOCK_US * BLOCK_US + 1_234_567_000
BEGIN = END - HOUR_US
TOLD_US = 40 * MINUTE_US
PLAN = PastPlan(passages_us=TOLD_US)
SEED = 5


@pytest.fixture(scope="module")
def blocks() -> list[Block]:
    return list(past(phuket(), SEED, BEGIN, END, PLAN))


def kinds(block: Block) -> list[Columns]:
    return [block.readings, block.passages, block.signals, block.statuses]


def everything(blocks: list[Block], name: str) -> Columns:
    return np.concatenate([getattr(block, name) for block in blocks])


def test_columns_are_those_of_the_log(blocks: list[Block]) -> None:
    for block in blocks:
        assert [rows.dtype for rows in kinds(block)] == [READING, PASSAGE, SIGNAL, STATUS]
        assert len(block.plates) == len(block.passages)


def test_receipt_never_goes_back_and_places_count_all_kinds(blocks: list[Block]) -> None:
    latest = 0
    for block in blocks:
        together = np.concatenate([rows[["place", "received_us", "event_us"]] for rows in kinds(block)])
        together = together[np.argsort(together["place"])]
        assert np.array_equal(together["place"], np.arange(block.records))
        assert (np.diff(together["received_us"]) >= 0).all()
        assert together["received_us"][0] >= latest
        assert together["received_us"][-1] <= block.now_us
        assert (together["event_us"] <= together["received_us"]).all()
        assert all((np.diff(rows["place"]) > 0).all() for rows in kinds(block))
        latest = block.now_us
    assert latest == END


def test_every_device_counts_its_messages_without_a_hole(blocks: list[Block]) -> None:
    numbers: dict[int, set[int]] = {}
    for block in blocks:
        for rows in kinds(block):
            assert (rows["boot"] == PAST_BOOT).all()
            for device, seq in zip(rows["device"].tolist(), rows["seq"].tolist(), strict=True):
                numbers.setdefault(device, set()).add(seq)
    assert set(numbers) == {device.no for device in phuket().devices}
    for found in numbers.values():
        assert found == set(range(1, len(found) + 1))


def test_an_identity_stands_once_and_a_message_has_one_digest(blocks: list[Block]) -> None:
    rows = np.concatenate([kind[["device", "seq", "part", "digest"]] for block in blocks for kind in kinds(block)])
    identity = rows[["device", "seq", "part"]]
    assert len(np.unique(identity)) == len(identity)
    messages = np.unique(rows[["device", "seq", "digest"]])
    assert len(messages) == len(np.unique(rows[["device", "seq"]]))
    assert (rows["digest"] >= 0).all()


def test_parts_of_a_message_count_from_zero(blocks: list[Block]) -> None:
    readings = everything(blocks, "readings")
    order = np.lexsort((readings["part"], readings["seq"], readings["device"]))
    sorted_rows = readings[order]
    new = (np.diff(sorted_rows["device"], prepend=-1) != 0) | (np.diff(sorted_rows["seq"], prepend=-1) != 0)
    assert (sorted_rows["part"][new] == 0).all()
    assert (np.diff(sorted_rows["part"])[~new[1:]] == 1).all()


def test_what_happened_does_not_depend_on_where_a_run_begins(blocks: list[Block]) -> None:
    content = ["device", "event_us", "metric", "lane", "value"]
    later = list(past(phuket(), SEED, END // BLOCK_US * BLOCK_US - BLOCK_US, END, PLAN))
    assert len(later) == 2
    for one, other in zip(blocks[-2:], later, strict=True):
        assert np.array_equal(one.readings[content], other.readings[content])
        assert one.plates == other.plates
        for name in ("device", "event_us", "received_us", "lane", "vehicle", "speed_kmh", "track", "helmet"):
            assert np.array_equal(one.passages[name], other.passages[name], equal_nan=name == "speed_kmh")


def test_the_same_seed_gives_the_same_bytes(blocks: list[Block]) -> None:
    again = list(past(phuket(), SEED, BEGIN, END, PLAN))
    for one, other in zip(blocks, again, strict=True):
        assert [rows.tobytes() for rows in kinds(one)] == [rows.tobytes() for rows in kinds(other)]
        assert one.plates == other.plates
    other_city = next(iter(past(phuket(), SEED + 1, BEGIN, END, PLAN)))
    assert other_city.readings.tobytes() != blocks[0].readings.tobytes()


def test_counts_of_an_interval_are_the_passages_of_its_cameras(blocks: list[Block]) -> None:
    """Over the blocks that tell passages from their first to their last moment."""
    codes = {metric.code: metric.key for metric in phuket().metrics}
    compared = 0
    for block in blocks[-3:-1]:
        passages, start_us = block.passages, block.now_us - BLOCK_US
        for device in np.unique(passages["device"]):
            mine = passages[(passages["device"] == device) & (passages["event_us"] >= start_us)]
            rows = block.readings[(block.readings["device"] == device) & (block.readings["event_us"] == start_us)]
            flows = rows[[codes[int(code)].startswith("flow-") for code in rows["metric"]]]
            assert flows["value"].sum() == len(mine)
            compared += 1
    assert compared > 200


def test_passages_and_signals_are_told_for_the_end_only(blocks: list[Block]) -> None:
    passages, signals = everything(blocks, "passages"), everything(blocks, "signals")
    for rows in (passages, signals):
        assert END - TOLD_US <= rows["event_us"].min() < END - TOLD_US + 60 * SECOND_US
        assert rows["event_us"].max() < END


def test_every_series_of_the_city_is_told(blocks: list[Block]) -> None:
    codes = {metric.key: metric.code for metric in phuket().metrics}
    readings = everything(blocks, "readings")
    found = set(zip(readings["device"].tolist(), readings["metric"].tolist(), readings["lane"].tolist(), strict=True))
    expected = {
        (device.no, codes[series.metric], series.lane) for device in phuket().devices for series in device.series
    }
    assert found == expected


def test_every_device_is_born_once_and_then_healthy(blocks: list[Block]) -> None:
    statuses = everything(blocks, "statuses")
    births = statuses[statuses["event"] == int(StatusEvent.BIRTH)]
    assert sorted(births["device"].tolist()) == sorted(device.no for device in phuket().devices)
    assert (births["event_us"] < BEGIN + 10 * SECOND_US).all()
    assert {len(firmware) for firmware in statuses["firmware"].tolist()} == {24}


def test_eight_days_stay_below_five_million_readings() -> None:
    whole_hour, plan = END // HOUR_US * HOUR_US, PastPlan(passages_us=0)
    told = sum(len(block.readings) for block in past(phuket(), SEED, whole_hour - HOUR_US, whole_hour, plan))
    assert told * 24 * 8 < 5_000_000


def test_the_truth_names_the_passage_of_every_offence(blocks: list[Block]) -> None:
    named = 0
    for block in blocks:
        for row in block.truth:
            passage = block.passages[
                (block.passages["device"] == row["device"]) & (block.passages["seq"] == row["seq"])
            ]
            assert passage["event_us"].tolist() == [row["event_us"]]
            named += 1
    assert named > 100


def test_plates_are_left_to_whoever_keeps_the_keys(blocks: list[Block]) -> None:
    passages = everything(blocks, "passages")
    assert (passages["plate_state"] == 0).all() and (passages["plate_day"] == -1).all()
    sealed = set(passages["plate_sealed"].tolist())
    assert sealed == {bytes(76)}
    assert plate_texts(np.array([0]), SEED)  # plates exist, beside the columns


def test_nobody_is_impatient_with_the_past() -> None:
    city = city_of_the_past(phuket())
    for device in city.devices:
        longest_s = max((series.interval_s for series in device.series), default=0.0)
        assert device.silent_after_s >= 2 * longest_s
        assert device.cadence_s >= longest_s


def test_a_city_without_numbers_is_refused() -> None:
    device = msgspec.structs.replace(phuket().devices[0], no=0)
    with pytest.raises(ConfigError, match=r"devices\.no"):
        next(past(msgspec.structs.replace(phuket(), devices=(device,)), 1, 0, DAY_US))


@pytest.mark.parametrize("wrong", [{"counts_s": 700}, {"counts_s": 0}, {"readings_s": -1}, {"passages_us": -1}])
def test_a_plan_that_does_not_fit_the_grid_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        PastPlan(**wrong)
