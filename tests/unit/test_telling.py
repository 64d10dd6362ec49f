"""What the log has to be told is told once, and again where the batch that said it failed."""

from app.committing import Work
from app.taking_apart import Undone
from app.telling import Telling
from contracts.columns import Gap

OUTAGE = [Gap(10, until, "paused") for until in (14, 15, 16)]
LOST = Gap(12, 13, "session lost")


def waiting(telling: Telling) -> tuple[tuple[Gap, ...], tuple[int, int] | None]:
    return telling.gaps(), telling.past


def test_a_gap_that_goes_on_while_nothing_can_be_written_is_one() -> None:
    telling = Telling()
    for gap in OUTAGE:
        telling.gap(gap)
    telling.gap(LOST)
    assert telling.gaps() == (Gap(10, 16, "paused"), LOST)


def test_another_gap_of_the_same_moment_is_another() -> None:
    telling = Telling()
    telling.gap(OUTAGE[0])
    telling.gap(Gap(10, 14, "disconnected"))
    assert len(telling.gaps()) == 2


def test_what_came_after_a_batch_was_made_is_said_by_the_next() -> None:
    telling = Telling()
    telling.gap(OUTAGE[0])
    work = Work(None, gaps=telling.gaps())
    telling.gap(LOST)
    telling.is_on_its_way(work)
    assert telling.gaps() == (LOST,)


def test_what_a_failed_batch_said_is_said_again_before_what_came_since() -> None:
    telling = Telling()
    telling.past = (7, 3)
    telling.gap(OUTAGE[0])
    telling.is_on_its_way(Work(None, gaps=telling.gaps(), past=telling.past))
    assert waiting(telling) == ((), None)
    telling.gap(LOST)
    telling.take_back(Undone([], [OUTAGE[0]], (7, 3)))
    assert waiting(telling) == ((OUTAGE[0], LOST), (7, 3))
