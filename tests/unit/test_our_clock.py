"""Whose clock is wrong: of most devices and of most who speak for them, or of one gateway with many behind it."""

import numpy as np

from app.our_clock import DEVICES_MIN, MEMORY_S, OurClock
from contracts.columns import DTYPES
from contracts.delivery import Decoded, Rejection

GATEWAY = dict.fromkeys(range(DEVICES_MIN), "gateway")
STATIONS = {DEVICES_MIN + at: f"station-{at}" for at in range(3)}
ACCOUNTS = GATEWAY | STATIONS


def said(right: list[int], wrong: list[int], received_us: int = 1) -> Decoded:
    """One reading of each device that agrees with us, one rejection of each that does not."""
    rows = np.zeros(len(right), DTYPES["reading"])
    rows["device"], rows["received_us"] = right, received_us
    refused = tuple(Rejection("future", "", "", b"", received_us, device=device) for device in wrong)
    return Decoded(readings=rows, rejections=refused)


def test_a_gateway_with_a_wrong_clock_is_one_witness_however_many_devices_it_speaks_for() -> None:
    ours = OurClock()
    assert not ours.is_wrong(said([*STATIONS], [*GATEWAY]), ACCOUNTS, 0.0)
    assert ours.is_wrong(said([*STATIONS][:1], [*GATEWAY, *[*STATIONS][1:]]), ACCOUNTS, MEMORY_S)


def test_most_who_speak_are_not_most_devices() -> None:
    ours = OurClock()
    assert not ours.is_wrong(said([*GATEWAY], [*STATIONS]), ACCOUNTS, 0.0)


def test_a_gateway_most_of_whose_devices_agree_is_a_witness_for_us() -> None:
    accounts = dict.fromkeys(range(2 * DEVICES_MIN), "bridge") | dict.fromkeys(range(100, 103), "other")
    wrong = [*range(DEVICES_MIN - 1), *range(100, 103)]
    ours = OurClock()
    assert not ours.is_wrong(said([*range(DEVICES_MIN, 2 * DEVICES_MIN)], wrong), accounts, 0.0)


def test_where_one_gateway_speaks_for_all_it_is_our_clock() -> None:
    assert OurClock().is_wrong(said([], [*GATEWAY]), GATEWAY, 0.0)


def test_few_devices_prove_nothing() -> None:
    assert not OurClock().is_wrong(said([], [*GATEWAY][1:]), GATEWAY, 0.0)
