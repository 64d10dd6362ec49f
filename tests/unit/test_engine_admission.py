"""What of a run of deliveries is new: by the device's own numbers, and by content where it has none."""

from dataclasses import replace

import pytest

from contracts.columns import Batch, Columns, Rejects
from contracts.delivery import Decoded, Rejection
from processing import admission
from processing.admission import CONFLICT, DOUBTFUL, DUPLICATE, NEW
from processing.engine import step
from processing.kernels.identity import NUMBERS, RING
from processing.state import State
from tests.fixtures.small_city import LEVEL, small_city
from tests.fixtures.stream import Said, batch_of, shelf

WATER = 5
CITY = small_city()


def level(seq: int, *, boot: int = 1, part: int = 0, at_s: float = 1.0) -> Said:
    return Said(at_s, WATER, at_s, seq, 1.0, LEVEL, lane=0, boot=boot, part=part)


def after(*records: Said) -> State:
    """The state once these were accepted."""
    batch = batch_of(1, 0, 1000, sorted(records, key=lambda record: record.received_s))
    return step(State(), replace(batch, config=1), shelf(CITY))[0]


def verdicts(state: State, *records: Said, digests: dict[int, int] | None = None) -> list[int]:
    """The verdict on each record of a run; `digests` gives some of them another content."""
    rows: Columns = batch_of(2, 0, 1000, records).readings
    for place, digest in (digests or {}).items():
        rows["digest"][place] = digest
    found: list[int] = admission.judge(state, Decoded(readings=rows)).of["reading"].tolist()
    return found


def test_a_number_that_came_before_is_a_duplicate_and_with_other_content_a_conflict() -> None:
    assert verdicts(after(level(1), level(2)), level(1), level(2), level(3), digests={1: 9}) == [
        DUPLICATE,
        CONFLICT,
        NEW,
    ]


def test_a_repeat_in_the_same_run_is_a_duplicate_and_with_other_content_a_conflict() -> None:
    assert verdicts(after(), level(1), level(1), level(1), digests={2: 9}) == [NEW, DUPLICATE, CONFLICT]


def test_a_message_with_other_content_is_a_conflict_in_all_its_parts() -> None:
    run = [level(1, part=0), level(1, part=0), level(1, part=1)]
    assert verdicts(after(), *run, digests={1: 9, 2: 9}) == [NEW, CONFLICT, CONFLICT]


def test_the_parts_of_one_message_are_all_new() -> None:
    assert verdicts(after(), level(1, part=0), level(1, part=1)) == [NEW, NEW]


def test_a_repeat_of_what_is_older_than_the_memory_is_looked_up_once() -> None:
    state = after(level(1, boot=5))
    assert verdicts(state, level(7, boot=4), level(7, boot=4)) == [DOUBTFUL, DUPLICATE]


def test_a_number_below_a_hole_that_the_bound_pushed_the_mark_over_is_doubtful() -> None:
    state = after(level(1), level(3 + NUMBERS))
    assert verdicts(state, level(2), level(3 + NUMBERS), level(4)) == [DOUBTFUL, DUPLICATE, NEW]


def test_content_that_has_fallen_out_of_the_ring_is_doubtful() -> None:
    state = after(*(level(1000 + n, boot=0, at_s=1.0 + n) for n in range(RING + 2)))
    assert verdicts(state, level(1000, boot=0, at_s=1.0), level(1000 + RING, boot=0, at_s=99.0)) == [
        DOUBTFUL,
        DUPLICATE,
    ]


def test_what_has_neither_number_nor_time_is_always_new() -> None:
    rows = batch_of(2, 0, 10, [level(5, boot=0), level(5, boot=0)]).readings
    rows["quality"] = 1
    assert admission.judge(after(), Decoded(readings=rows)).of["reading"].tolist() == [NEW, NEW]


def test_a_rejected_number_is_settled_and_not_rejected_again() -> None:
    state = after(level(1))
    rejection = Rejection("out_of_range", "", "", b"", 0, device=WATER, boot=1, seq=2)
    assert not admission.settled(state, rejection)
    batch = Batch(2, 0, 1, rejects=(Rejects(WATER, "out_of_range", 1, (1,), (2,)),))
    state, outputs = step(state, batch, shelf(CITY))
    assert admission.settled(state, rejection)
    assert outputs.marks.tolist() == [(WATER, 1, 2)]


def test_a_rejected_message_that_is_sent_again_is_a_duplicate_and_no_conflict() -> None:
    batch = Batch(2, 0, 1, rejects=(Rejects(WATER, "poison", 1, (1,), (2,)),))
    state = step(after(level(1)), batch, shelf(CITY))[0]
    assert verdicts(state, level(2), level(1), digests={1: 9}) == [DUPLICATE, CONFLICT]


def test_a_bad_message_that_comes_twice_in_a_run_is_rejected_once() -> None:
    bad = [Rejection("out_of_range", "", "", b"", 0, device=WATER, boot=1, seq=2, part=part) for part in (0, 1, 0, 1)]
    nameless = [Rejection("not_json", "", "", b"", 0) for _ in range(2)]
    assert admission.unsettled(after(level(1)), [*bad, *nameless]) == [*bad[:2], *nameless]


def test_a_device_beyond_the_state_is_an_error_and_not_a_wild_read() -> None:
    rows = batch_of(2, 0, 10, [level(1)]).readings
    rows["device"] = 10_000
    with pytest.raises(IndexError, match="10000"):
        admission.judge(after(), Decoded(readings=rows))
