"""One alarm for a device that floods with what cannot be accepted: when it begins, grows and ends."""

from contracts.columns import Batch, Rejects
from contracts.findings import Alarm, Condition
from processing.engine import step
from processing.state import State
from tests.fixtures.cases.refused import refused_city
from tests.fixtures.stream import Shelf, us

CITY = refused_city()
SECOND_US = 1_000_000


class Log:
    """A log of the city above 20 a minute, until two minutes with fewer than 3, second by second."""

    def __init__(self) -> None:
        self.state, self.n, self.now_s = State(), 0, 0.0
        self.alarms: list[Alarm] = []

    def until(self, now_s: float, *rejects: Rejects) -> list[Alarm]:
        """What is said up to then of bad messages."""
        self.n += 1
        batch = Batch(
            self.n, us(self.now_s), us(now_s), config=1 if self.n == 1 else None, rejects=rejects
        )  # fmt: skip
        self.state, outputs = step(self.state, batch, Shelf({1: CITY}, {}))
        self.now_s = now_s
        said = [alarm for alarm in outputs.alarms if alarm.kind == "bad-messages"]
        self.alarms += said
        return said


def rejects(count: int, at_s: float, device: int = 1, reason: str = "schema") -> Rejects:
    return Rejects(device, reason, count, at_us=us(at_s))


def test_twenty_a_minute_are_none_and_one_more_is_one_at_once() -> None:
    log = Log()
    assert log.until(20, rejects(20, 5)) == []
    (alarm,) = log.until(31, rejects(1, 30))
    assert (alarm.condition, alarm.device, alarm.because.measured) == (Condition.ACTIVE, 1, 21.0)
    assert alarm.because.inputs["main_reason"] == "schema"
    assert (alarm.onset_us, alarm.changed_us) == (us(0), us(30))


def test_what_two_minutes_hold_together_is_no_flood() -> None:
    log = Log()
    assert log.until(130, rejects(20, 60), rejects(20, 61), rejects(20, 121)) == []


def test_a_hundred_thousand_are_one_alarm_with_few_revisions() -> None:
    log = Log()
    for second in range(1, 300):
        log.until(second, rejects(10_000, second))
    assert len({alarm.id for alarm in log.alarms}) == 1
    assert len(log.alarms) < 12
    assert log.alarms[-1].because.measured >= 300_000


def test_it_ends_after_calm_minutes_and_begins_anew_as_another() -> None:
    log = Log()
    log.until(59, rejects(50, 30))
    assert log.until(179, rejects(2, 100)) == []
    (over,) = log.until(180)
    assert (over.condition, over.changed_us, over.because.inputs["rejected"]) == (Condition.NORMAL, us(180), 52)
    (again,) = log.until(401, rejects(50, 400))
    assert again.condition is Condition.ACTIVE and again.id != over.id


def test_now_and_then_one_keeps_it_from_ending() -> None:
    log = Log()
    log.until(59, rejects(50, 30))
    for minute in range(1, 6):
        assert log.until(minute * 60 + 59, rejects(3, minute * 60 + 30)) == []
    assert log.until(500)[-1].condition is Condition.NORMAL


def test_devices_that_nobody_knows_are_one() -> None:
    (alarm,) = Log().until(10, rejects(15, 5, device=-1), rejects(15, 5, device=999))
    assert (alarm.device, alarm.subject) == (-1, "unknown-devices")


def test_an_entry_of_a_log_from_before_ticks_were_kept_counts_with_the_next_tick() -> None:
    log = Log()
    assert log.until(10.5, Rejects(1, "schema", 30)) == []
    (alarm,) = log.until(11)
    assert alarm.changed_us == us(11)


def test_a_week_without_a_pipeline_ends_it_and_costs_no_loop_over_every_minute() -> None:
    log = Log()
    log.until(59, rejects(50, 30))
    (over,) = log.until(7 * 86_400)
    assert (over.condition, over.changed_us) == (Condition.NORMAL, us(180))
    assert log.state.parts["refused"].watched.size == 0
