"""The life of one condition after ISA-18.2: waiting, active, suppressed, returned to normal; chattering; resting.

Everything here is a function of the condition in hand, the report or the moment, and the city's data.
"""

from dataclasses import dataclass
from typing import Final

import msgspec

from contracts.clock import MINUTE_US, SECOND_US, TICK_US
from contracts.responses import Response
from processing.alarms.book import ACTIVE, CHATTER_MOST, NORMAL, SUPPRESSED, Standing, Words
from processing.alarms.plans import HIGHER, MAINTENANCE, Plans
from processing.compiled import FOR_EVER_US


@dataclass(frozen=True, slots=True)
class Timing:
    """The delays of an alarm kind, us; see contracts/responses.py. The defaults hold for a kind without an entry."""

    on_delay_us: int = 0
    off_delay_us: int = 0
    chatter_count: int = 3
    chatter_within_us: int = MINUTE_US
    chatter_quiet_us: int = 10 * MINUTE_US


DEFAULT: Final = Timing()


def timing_of(response: Response) -> Timing:
    """The delays that a rationalised entry asks for."""
    return Timing(
        on_delay_us=round(response.on_delay_s * SECOND_US),
        off_delay_us=round(response.off_delay_s * SECOND_US),
        chatter_count=response.chatter_count,
        chatter_within_us=round(response.chatter_within_s * SECOND_US),
        chatter_quiet_us=round(response.chatter_quiet_s * SECOND_US),
    )


def hear(standing: Standing, active: bool, words: Words, now_us: int, timing: Timing) -> bool:
    """Take a report in. True where it changes what a standing alarm says and so asks for a revision of its own."""
    changed = words.because != standing.words.because
    words = _planned(words, standing.words.plan)
    if active and not standing.holds:
        standing.holds, standing.began_us = True, now_us
        standing.words = words
        return standing.stands and _count(standing, timing)
    if active:
        standing.words = words
        return standing.stands and changed and not standing.chattering
    if standing.holds:
        standing.holds, standing.over_us = False, now_us
        standing.words = words
        standing.fleeting += not standing.stands
    return False


def _count(standing: Standing, timing: Timing) -> bool:
    """Count one more beginning of the alarm. True where that is worth telling: not each one while it chatters."""
    standing.activations += 1
    standing.recent_us = (*standing.recent_us[1:], standing.words.since_us)
    first = standing.recent_us[CHATTER_MOST - timing.chatter_count]
    enough = standing.activations >= timing.chatter_count
    begins = not standing.chattering and enough and standing.words.since_us - first <= timing.chatter_within_us
    standing.chattering = standing.chattering or begins
    return begins or not standing.chattering or standing.activations.bit_count() == 1


def settle(standing: Standing, now_us: int, timing: Timing, plans: Plans, higher: str = "") -> bool:
    """Bring what is said of a condition up to this moment, and say when it must be looked at again (`due_us`).

    `higher`: the kind of a standing alarm that says more about the same thing, if there is one.

    Returns:
        whether it is another than was said before. A resting condition that may be given up is not due ever again.
    """
    before = standing.said
    if standing.holds:
        ready_us = standing.began_us + timing.on_delay_us
        if not standing.stands and now_us < ready_us:
            standing.due_us = _tick(ready_us)
            return False
        if not standing.stands:
            standing.planned_us = plans.test_of(standing.words, now_us)[1]
            _count(standing, timing)
        _judge(standing, now_us, plans, higher)
    elif standing.stands:
        wait_us = max(timing.off_delay_us, timing.chatter_quiet_us if standing.chattering else 0)
        if now_us >= standing.over_us + wait_us:
            standing.said, standing.chattering = NORMAL, False
            standing.over_us = now_us
        else:
            _judge(standing, now_us, plans, higher)
            standing.due_us = min(standing.due_us, _tick(standing.over_us + wait_us))
    if not standing.holds and not standing.stands:
        rests_until_us = standing.over_us + timing.chatter_within_us
        standing.due_us = _tick(rests_until_us) if now_us < rests_until_us else FOR_EVER_US
    return standing.said != before


def _judge(standing: Standing, now_us: int, plans: Plans, higher: str) -> None:
    """Active, or suppressed by a plan or a higher alarm; looked at again when that may change."""
    device = standing.words.device
    work = plans.work_at(device, now_us)
    if work is not None:
        standing.said, standing.due_us = SUPPRESSED, _tick(work.to_us)
        standing.words = _planned(standing.words, MAINTENANCE)
    elif now_us < standing.planned_us:
        standing.said = SUPPRESSED
        standing.words = _planned(standing.words, plans.test_of(standing.words, now_us)[0])
        standing.due_us = _tick(min(standing.planned_us, plans.next_work_us(device, now_us)))
    else:
        standing.said, standing.due_us = (SUPPRESSED if higher else ACTIVE), _tick(plans.next_work_us(device, now_us))
        standing.words = _planned(standing.words, HIGHER + higher if higher else "")


def _planned(words: Words, plan: str) -> Words:
    return words if words.plan == plan else msgspec.structs.replace(words, plan=plan)


def _tick(time_us: int) -> int:
    """The first point of the grid that is not before this time."""
    return FOR_EVER_US if time_us == FOR_EVER_US else -(-time_us // TICK_US) * TICK_US
