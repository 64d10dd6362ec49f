"""What is unusual becomes alarms: each kind once, with its figures, and nothing that all stations do together."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from contracts.city import City
from contracts.findings import Alarm, Condition
from processing.compiled import compile_city
from processing.detectors.neighbours import distance_km, make_groups
from processing.engine import step
from processing.state import State
from tests.fixtures.cases.anomaly import AIR, ALONE, FAR, STILL, UNTIL_MIN, anomaly_city, records
from tests.fixtures.law_case import Told, batch_of_told
from tests.fixtures.small_city import LEVEL
from tests.fixtures.stream import Shelf, us

Life = list[Alarm]


def lives(
    city: City, told: list[Told], later: City | None = None, later_min: float = 0.0
) -> dict[tuple[str, str], Life]:
    """The revisions of each alarm by kind and subject; the later city comes into force at that minute."""
    out: dict[tuple[str, str], Life] = {}
    state, since_s = State(), 0.0
    ends = [later_min * 60.0, UNTIL_MIN * 60.0 + 900.0] if later else [UNTIL_MIN * 60.0 + 900.0]
    for n, now_s in enumerate(ends, start=1):
        mine = [record for record in told if since_s < record.received_s <= now_s]
        batch = batch_of_told(n, since_s, now_s, mine, config=n)
        state, outputs = step(state, batch, Shelf({1: city, 2: later or city}, {}))
        for alarm in outputs.alarms:
            out.setdefault((alarm.kind, alarm.subject), []).append(alarm)
        since_s = now_s
    return out


@pytest.fixture(scope="module")
def shown() -> dict[tuple[str, str], Life]:
    return lives(anomaly_city(), records(0))


def minute(moment_us: int) -> int:
    return (moment_us - us(0)) // 60_000_000


def test_a_spike_is_told_with_its_score_and_the_band_it_left(shown: dict[tuple[str, str], Life]) -> None:
    because = shown["anomaly-spike", "water-1"][0].because
    low, high = because.inputs["band_low"], because.inputs["band_high"]
    assert minute(shown["anomaly-spike", "water-1"][0].onset_us) == 265
    assert isinstance(low, float) and isinstance(high, float)
    assert low < 5.0 < high < because.measured == pytest.approx(11.0, abs=1.0)
    assert because.margin == pytest.approx(because.measured - high)
    score = because.inputs["score"]
    assert isinstance(score, float) and 0.7 < score < 1.0


def test_what_stays_out_becomes_a_shift_that_ends_when_it_is_over(shown: dict[tuple[str, str], Life]) -> None:
    first, *_, last = shown["anomaly-shift", "water-1"]
    assert minute(first.onset_us) == 290
    assert last.condition is Condition.NORMAL


def test_a_value_that_stands_still_is_told_after_its_time_and_ends_when_it_moves(
    shown: dict[tuple[str, str], Life],
) -> None:
    first, last = shown["frozen-value", "water-2"][0], shown["frozen-value", "water-2"][-1]
    assert (minute(first.onset_us), minute(first.changed_us)) == (280, 295)
    assert first.because.inputs["value"] == 5.0
    assert last.condition is Condition.NORMAL and minute(last.changed_us) == 321


def test_zeros_are_not_a_frozen_counter(shown: dict[tuple[str, str], Life]) -> None:
    def zero(record: Told) -> Told:
        still = record.device == STILL and 280 <= record.event_s // 60 < 320
        return record if not still else Told(
            record.kind, record.device, record.received_s, record.event_s, record.seq, {**record.fields, "value": 0.0}
        )  # fmt: skip

    told = [zero(record) for record in records(0) if record.device == STILL]
    assert not [kind for kind, _ in lives(anomaly_city(), told) if kind == "frozen-value"]


def test_one_that_leaves_the_others_at_once_is_told_apart_from_one_that_drifts(
    shown: dict[tuple[str, str], Life],
) -> None:
    assert ("sensor-disagrees", "air-2") in shown and ("drift", "air-2") not in shown
    assert ("drift", "air-1") in shown and ("sensor-disagrees", "air-1") not in shown
    because = shown["sensor-disagrees", "air-2"][0].because
    assert because.measured > because.limit == 10.0
    assert because.inputs["stations"] == len(AIR)


def test_what_moves_all_stations_is_one_event_and_nobodys_anomaly(shown: dict[tuple[str, str], Life]) -> None:
    event = shown["city-event", "pm2_5"][0]
    assert minute(event.onset_us) == 342
    assert event.because.inputs["devices"] == "air-1, air-2, air-3, air-4"
    late = [
        alarm.subject
        for (kind, _), life in shown.items()
        if kind.startswith("anomaly-")
        for alarm in life[:1]
        if minute(alarm.onset_us) >= 342
    ]
    assert set(late) == {"far-1"}


def test_an_alarm_of_a_rule_that_is_switched_off_ends() -> None:
    city = anomaly_city()
    rules = tuple(msgspec.structs.replace(rule, enabled=rule.kind != "anomaly") for rule in city.rules)
    off = msgspec.structs.replace(city, rules=rules)
    told = [record for record in records(0) if record.device == ALONE]
    life = lives(city, told, off, later_min=300)["anomaly-shift", "water-1"]
    assert life[-1].condition is Condition.NORMAL and minute(life[-1].changed_us) == 300


def test_groups_are_stations_of_a_metric_each_near_the_next() -> None:
    city = anomaly_city()
    (group,) = make_groups(compile_city(city))
    assert [series >> 32 for series in group.series] == list(AIR)
    devices = {device.no: device for device in city.devices}
    assert distance_km(devices[AIR[0]], devices[FAR]) == pytest.approx(54.5, abs=0.5)


def test_a_silent_neighbour_holds_nobody_up() -> None:
    told = [record for record in records(0) if record.device != AIR[3] or record.event_s < 280 * 60]
    assert ("sensor-disagrees", "air-2") in lives(anomaly_city(), told)


def test_values_without_bounds_break_nothing() -> None:
    draw = np.random.default_rng(5)
    told = [
        Told(
            r.kind, r.device, r.received_s, r.event_s, r.seq,
            {**r.fields, "value": float(draw.choice([np.nan, np.inf, 1e308, -1e308]))},
        ) if draw.random() < 0.05 else r
        for r in records(1)
    ]  # fmt: skip
    lives(anomaly_city(), told)


def test_what_a_made_past_knows_is_known_at_once_and_none_of_its_alarms_stands() -> None:
    city, told = anomaly_city(), records(0)
    warm = [record for record in told if record.received_s <= 300 * 60]
    donor, _ = step(State(), batch_of_told(1, 0, 300 * 60, warm, config=1), Shelf({1: city}, {}))
    begin_s, end_s = 400 * 60.0, 430 * 60.0
    live = [
        Told(
            "reading",
            ALONE,
            at * 60 + 1.0,
            at * 60.0,
            at,
            {"metric": LEVEL, "value": 5.0 + 0.1 * (at % 2) + 6.0 * (at == 420)},
        )
        for at in range(401, 430)
    ]
    state, _ = step(State(), batch_of_told(1, 0, begin_s, [], config=1), Shelf({1: city}, {}))
    batch = replace(batch_of_told(2, begin_s, end_s, live), past=(7, 1))
    _, outputs = step(state, batch, Shelf({1: city}, {(7, 1): donor}))
    alarms = [alarm for alarm in outputs.alarms if alarm.condition is Condition.ACTIVE]
    assert [(alarm.kind, minute(alarm.onset_us)) for alarm in alarms] == [("anomaly-spike", 420)]


def after_a_past(seam_min: int, devices: tuple[int, ...]) -> dict[tuple[str, str], Life]:
    """The alarms of a shard that began at this minute, with what another one had folded of these devices before it."""
    city, seam_s, end_s = anomaly_city(), seam_min * 60.0, UNTIL_MIN * 60.0
    told = [record for record in records(0) if record.device in devices]
    before = [record for record in told if record.received_s <= seam_s]
    donor, _ = step(State(), batch_of_told(1, 0, seam_s, before, config=1), Shelf({1: city}, {}))
    live = replace(batch_of_told(1, seam_s, end_s, told[len(before) :], config=1), past=(7, 1))
    out: dict[tuple[str, str], Life] = {}
    for alarm in step(State(), live, Shelf({1: city}, {(7, 1): donor}))[1].alarms:
        out.setdefault((alarm.kind, alarm.subject), []).append(alarm)
    return out


def test_a_value_that_stood_still_in_a_made_past_has_stood_still_since_then() -> None:
    first = after_a_past(285, (STILL,))["frozen-value", "water-2"][0]
    assert (minute(first.onset_us), minute(first.changed_us)) == (280, 295)


def test_stations_know_from_a_made_past_how_far_apart_they_usually_are(shown: dict[tuple[str, str], Life]) -> None:
    whole = shown["sensor-disagrees", "air-2"][0]
    made = after_a_past(minute(whole.changed_us) - 20, AIR)["sensor-disagrees", "air-2"][0]
    assert (made.onset_us, made.changed_us) == (whole.onset_us, whole.changed_us)


@pytest.mark.parametrize(("device", "leaves_min"), [("water-1", 265.7), ("water-2", 294.9)])
def test_the_last_minute_of_a_device_that_has_left_raises_nothing(device: str, leaves_min: float) -> None:
    """It closes when the device is known no more: nobody could say whose alarm it is, and nothing would end it."""
    city = anomaly_city()
    number = next(each.no for each in city.devices if each.id == device)
    later = msgspec.structs.replace(city, devices=tuple(each for each in city.devices if each.no != number))
    prompt = [replace(each, received_s=each.event_s + 0.05) for each in records(0)]
    told = [each for each in prompt if each.device != number or each.received_s < leaves_min * 60.0]
    told.sort(key=lambda each: each.received_s)
    assert not {subject for _, subject in lives(city, told, later, leaves_min)} & {device, str(number)}
    assert device in {subject for _, subject in lives(city, prompt, city, leaves_min)}, "had it stayed"


def test_a_minute_that_waits_for_neighbours_does_not_wait_on_when_no_rule_asks_for_them() -> None:
    city, told = anomaly_city(), [record for record in records(0) if record.received_s < 18_620.0]
    later = msgspec.structs.replace(city, rules=tuple(rule for rule in city.rules if rule.kind != "neighbours"))
    library = Shelf({1: city, 2: later}, {})
    state, _ = step(State(), batch_of_told(1, 0.0, 18_620.0, told, config=1), library)
    assert state.parts["anomaly"].waiting.size
    more = [record for record in records(0) if 18_620.0 <= record.received_s < 18_800.0]
    state, _ = step(state, batch_of_told(2, 18_620.0, 18_800.0, more, config=2), library)
    assert not state.parts["anomaly"].waiting.size
