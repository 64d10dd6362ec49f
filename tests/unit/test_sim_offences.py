"""Offences come at the rates that Phuket's own cameras reported in 2017, a camera and a month."""

from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pytest

from contracts.clock import DAY_US, to_us
from simulators.chance import Ints
from simulators.journeys import BLOCK_US
from simulators.offences import NO_HELMET_MONTHLY, RED_LIGHT_MONTHLY, SPEEDING_MONTHLY, Offence
from simulators.roads import Network
from simulators.traffic import Traffic
from tests.fixtures.phuket import phuket

MONDAY = to_us(datetime(2026, 11, 22, 17, 0, tzinfo=UTC)) // BLOCK_US
DAY_BLOCKS = DAY_US // BLOCK_US
STEP = 2
"""Every second block of a week-day stands for the day."""


@pytest.fixture(scope="module")
def day() -> tuple[Network, dict[Offence, Ints]]:
    traffic = Traffic(phuket(), 1)
    net = traffic.network(MONDAY)
    found = {offence: np.zeros(len(net.camera), np.int64) for offence in Offence}
    for block in range(MONDAY, MONDAY + DAY_BLOCKS, STEP):
        passed = traffic.crowd(block)
        for offence in Offence:
            chosen = (passed.offence & int(offence)) > 0
            found[offence] += np.bincount(passed.row[chosen], minlength=len(net.camera))
    return net, found


def monthly(found: Ints, cameras: int) -> float:
    return float(found.sum()) * STEP * 30 / cameras


def watching(net: Network, mask: npt.NDArray[np.bool_]) -> int:
    return len(np.unique(net.camera[mask]))


def test_helmets_are_missing_as_often_as_reported(day: tuple[Network, dict[Offence, Ints]]) -> None:
    net, found = day
    rate = monthly(found[Offence.NO_HELMET], watching(net, net.reports))
    assert NO_HELMET_MONTHLY[0] <= rate <= NO_HELMET_MONTHLY[1]


def test_red_lights_are_run_as_often_as_reported(day: tuple[Network, dict[Offence, Ints]]) -> None:
    net, found = day
    rate = monthly(found[Offence.RED_LIGHT], watching(net, net.watches_red & (net.group >= 0)))
    assert RED_LIGHT_MONTHLY[0] <= rate <= RED_LIGHT_MONTHLY[1]


def test_speeding_is_as_frequent_as_reported(day: tuple[Network, dict[Offence, Ints]]) -> None:
    net, found = day
    rate = monthly(found[Offence.SPEEDING], watching(net, net.measures))
    assert SPEEDING_MONTHLY[0] <= rate <= SPEEDING_MONTHLY[1]


def test_offences_are_planted_only_where_a_camera_can_see_them(day: tuple[Network, dict[Offence, Ints]]) -> None:
    net, found = day
    assert found[Offence.SPEEDING][~net.measures].sum() == 0
    assert found[Offence.RED_LIGHT][~net.watches_red].sum() == 0
    assert found[Offence.NO_HELMET][~net.reports].sum() == 0
