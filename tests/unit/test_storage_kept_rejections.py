"""One device's refused messages are kept whole up to its allowance, and counted beyond it."""

from contracts.clock import SECOND_US
from contracts.delivery import REJECTED_PAYLOAD_BYTES, Rejection
from storage.kept_rejections import BURST_BYTES, REFILL_BYTES_S, ROW_BYTES, KeptRejections

START_US = 1_795_000_000 * SECOND_US
LARGE = bytes(4_096)
assert len(LARGE) <= REJECTED_PAYLOAD_BYTES
FLOOD = 2 * BURST_BYTES // (ROW_BYTES + len(LARGE))


def refused(count: int, device: int = 1, reason: str = "schema", at_s: float = 0.0) -> list[Rejection]:
    received_us = START_US + round(at_s * SECOND_US)
    return [Rejection(reason, "$.records[0]", "andaman/v1/x", LARGE, received_us, device)] * count


def kept_bytes(rows: list[tuple[Rejection, int]]) -> int:
    return sum(ROW_BYTES + len(rejection.payload) for rejection, _ in rows)


def test_a_flood_is_kept_up_to_the_allowance_and_counted_whole() -> None:
    rows = KeptRejections().sort_out(refused(FLOOD) + refused(5, reason="future"))
    assert BURST_BYTES / 2 < kept_bytes(rows) <= BURST_BYTES + 2 * ROW_BYTES
    assert sum(count for _, count in rows) == FLOOD + 5
    assert [(row.reason, row.payload) for row, count in rows if count > 1] == [("schema", b""), ("future", b"")]


def test_a_flood_of_one_device_takes_nothing_from_another() -> None:
    kept = KeptRejections()
    kept.sort_out(refused(FLOOD))
    assert kept.sort_out(refused(3, device=2)) == [(each, 1) for each in refused(3, device=2)]
    assert kept.sort_out(refused(1, device=-1)) == [(each, 1) for each in refused(1, device=-1)]


def test_the_allowance_fills_up_again_with_time_and_no_further() -> None:
    kept = KeptRejections()
    kept.sort_out(refused(FLOOD))
    assert kept_bytes(kept.sort_out(refused(FLOOD, at_s=60))) <= 60 * REFILL_BYTES_S + 2 * ROW_BYTES + len(LARGE)
    assert kept_bytes(kept.sort_out(refused(FLOOD, at_s=1e9))) <= BURST_BYTES + ROW_BYTES


def test_many_small_turns_fill_up_as_much_as_a_long_one() -> None:
    kept = KeptRejections()
    kept.sort_out(refused(FLOOD))
    rows = [row for turn in range(1, 600) for row in kept.sort_out(refused(1, at_s=turn * 0.1))]
    whole = kept_bytes([row for row in rows if row[0].payload])
    assert 0.8 * 60 * REFILL_BYTES_S <= whole <= 60 * REFILL_BYTES_S + BURST_BYTES // 100


def test_a_clock_that_stands_or_goes_back_gives_nothing() -> None:
    kept = KeptRejections()
    kept.sort_out(refused(FLOOD, at_s=100))
    assert all(not row.payload for row, _ in kept.sort_out(refused(5, at_s=50) + refused(5, at_s=100)))
