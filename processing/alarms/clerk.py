"""The clerk who keeps the book of alarms: takes reports in, does what is due, and says each revision."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import msgspec

from contracts.findings import Alarm, Condition, Scalar, finding_id
from contracts.rules import Rule
from processing.alarms import flood
from processing.alarms.book import ACTIVE, CONDITIONS, NORMAL, NOTHING, SUPPRESSED, Book, Standing, Words
from processing.alarms.life import DEFAULT, Timing, hear, settle, timing_of
from processing.alarms.plans import HIGHER, MAINTENANCE, Plans, make_plans
from processing.alarms.reports import Report
from processing.compiled import FOR_EVER_US, Compiled
from processing.state import State

HOUSE: Final = "house"
"""The kind of rule under which our own house is reported; it stands in no city."""
SEEK_ONE: Final = 32
"""So many conditions of a batch are looked for one by one; for more, the place of every one is listed first."""
FLOOD_FIRST: Final = b""
"""The place of the flood among what is due: before every condition of the same tick."""
_CONDITIONS: Final = {ACTIVE: Condition.ACTIVE, SUPPRESSED: Condition.SUPPRESSED, NORMAL: Condition.NORMAL}


@dataclass(frozen=True, slots=True)
class Entries:
    """What a city version says about alarms."""

    timings: dict[str, Timing]
    rules: frozenset[str]
    hidden_by: dict[str, tuple[str, ...]]
    hides: dict[str, tuple[str, ...]]
    """By kind: those that stand above it, and those that it stands above."""


def make_entries(compiled: Compiled) -> Entries:
    """The delays by kind, and the rules that are enabled."""
    timings = {response.kind: timing_of(response) for response in compiled.city.responses}
    hidden_by = {response.kind: response.hidden_by for response in compiled.city.responses if response.hidden_by}
    hides = {
        kind: tuple(low for low, above in hidden_by.items() if kind in above)
        for kind in sorted({high for above in hidden_by.values() for high in above})
    }
    return Entries(timings, frozenset(rule.id for rule in compiled.rules if rule.enabled), hidden_by, hides)


class Clerk:
    """Works on the state's book of alarms for the time of one batch."""

    def __init__(self, state: State, compiled: Compiled, alarms: list[Alarm]) -> None:
        self._book = state.part("alarms", Book)
        self._flood = state.part("flood", flood.Flood)
        self._compiled = compiled
        self._plans: Plans = compiled.table(make_plans)
        self._entries: Entries = compiled.table(make_entries)
        self._alarms = alarms
        self._places: dict[bytes, int] = {}
        self._all_places = False
        self._held: dict[bytes, Standing | None] = {}
        self._due: list[tuple[int, bytes]] = []
        self._until_us = 0
        self._stirred: set[bytes] = set()
        """Conditions whose higher alarm began or ended at this moment."""

    def go_through(self, reports: Iterable[Report], until_us: int) -> None:
        """Take these reports, in order of time, and do what is due up to this moment. At one moment reports go first:
        a condition that is back has not ended, one that is gone has not lasted."""
        self._until_us = until_us
        slots = self._book.slots
        soon = slots[slots["due_us"] <= until_us]
        self._due = list(zip(soon["due_us"].tolist(), map(bytes, soon["condition"].tolist()), strict=True))
        self._due += [(held.due_us, key) for key, held in self._held.items() if held and held.due_us <= until_us]
        heapq.heapify(self._due)
        self._wait(self._flood.due_us, FLOOD_FIRST)
        last_us = 0
        for report in reports:
            if report.at_us > last_us:
                self.settle_stirred(last_us)
                self._catch_up(report.at_us)
                last_us = report.at_us
            self.take(report)
        self.settle_stirred(last_us)
        self._catch_up(until_us + 1)

    def take(self, report: Report) -> None:
        """One report."""
        key = self._condition(report.kind, report.key)
        standing = self.hold(key)
        if standing is None and not report.active:
            return
        words = _words(report)
        if standing is None:
            if self._book.slots.size + len(self._held) >= CONDITIONS and report.kind != flood.KIND:
                self._book.refused += 1
                return
            standing = self._held[key] = Standing(key, words)
        news = hear(standing, report.active, words, report.at_us, self._timing(words.kind))
        self._settle(standing, report.at_us, news)

    def review(self, now_us: int) -> None:
        """A city version came into force: delays and plans may be others, and what nobody watches any more ends."""
        self._find_all()
        for key in sorted({*self._places, *self._held}):
            standing = self.hold(key)
            if standing is None:
                continue
            words, compiled = standing.words, self._compiled
            asked = words.rule_kind == HOUSE or words.rule in self._entries.rules
            there = words.device < 0 or (words.device < compiled.size and bool(compiled.known[words.device]))
            if asked and there:
                self._settle(standing, now_us, False)
            else:
                self.end(standing, now_us, "nothing: the city no longer asks for it")
        self.settle_stirred(now_us)
        if flood.rule_of(self._compiled) is None:
            flood.end(self._flood)

    def end(self, standing: Standing | None, now_us: int, why: str) -> None:
        """A condition that nobody watches is over at once, and is not waited for."""
        if standing is None:
            return
        standing.words = msgspec.structs.replace(
            standing.words, because=msgspec.structs.replace(standing.words.because, needed=why)
        )
        if standing.stands:
            standing.said = NORMAL
            self._say(standing, now_us)
            hidden = self._entries.hides.get(standing.words.kind, ())
            self._stirred |= {self._condition(low, standing.words.key) for low in hidden}
        self._held[standing.condition] = None

    def hold(self, key: bytes) -> Standing | None:
        """The condition in hand, out of the book where it was not yet."""
        if key not in self._held:
            if len(self._held) == SEEK_ONE:
                self._find_all()
            row = self._places.get(key) if self._all_places else self._book.place(key)
            if row is None:
                return None
            self._places[key] = row
            self._held[key] = self._book.load(row)
        return self._held[key]

    def put_down(self) -> None:
        """Write everything back."""
        self._book.store(self._held, self._places)

    def _find_all(self) -> None:
        if not self._all_places:
            self._places, self._all_places = self._book.places(), True

    def _timing(self, kind: str) -> Timing:
        return self._entries.timings.get(kind, DEFAULT)

    def _wait(self, due_us: int, key: bytes) -> None:
        if due_us <= self._until_us:
            heapq.heappush(self._due, (due_us, key))

    def _catch_up(self, before_us: int) -> None:
        """Do what is due before this moment."""
        while self._due and self._due[0][0] < before_us:
            due_us, key = heapq.heappop(self._due)
            standing = None if key == FLOOD_FIRST else self.hold(key)
            if key == FLOOD_FIRST:
                self._look_at_flood(due_us)
            elif standing is not None and standing.due_us == due_us:
                self._settle(standing, due_us, False)
            if not self._due or self._due[0][0] > due_us:
                self.settle_stirred(due_us)

    def settle_stirred(self, now_us: int) -> None:
        """Look at the lower alarms of those that began or ended, once everything of this moment has been heard."""
        while self._stirred:
            stirred, self._stirred = sorted(self._stirred), set()
            for key in stirred:
                standing = self.hold(key)
                if standing is not None:
                    self._settle(standing, now_us, False)

    def _condition(self, kind: str, key: tuple[int, ...]) -> bytes:
        return finding_id(self._compiled.city.id, kind, *key).bytes

    def _higher(self, words: Words) -> str:
        """The kind of an active alarm that stands above this one on the same thing, or ""."""
        for kind in self._entries.hidden_by.get(words.kind, ()):
            standing = self.hold(self._condition(kind, words.key))
            if standing is not None and standing.said == ACTIVE:
                return kind
        return ""

    def _settle(self, standing: Standing, now_us: int, news: bool) -> None:
        before, words = standing.said, standing.words
        changed = settle(standing, now_us, self._timing(words.kind), self._plans, self._higher(words))
        if changed and ACTIVE in (before, standing.said):
            self._stirred |= {self._condition(low, words.key) for low in self._entries.hides.get(words.kind, ())}
        if changed and standing.stands and before in (NOTHING, NORMAL):
            self._begin(standing, now_us)
        if changed or (news and standing.stands):
            if standing.said == ACTIVE and (before == SUPPRESSED or standing.revision == 0):
                self._count(standing, now_us)
            self._say(standing, now_us)
        if standing.due_us == FOR_EVER_US and not standing.holds and not standing.stands:
            self._held[standing.condition] = None
        else:
            self._wait(standing.due_us, standing.condition)

    def _begin(self, standing: Standing, now_us: int) -> None:
        """A new alarm, or one that begins again: under the same id it goes on in its count."""
        if standing.id == bytes(16):
            words = standing.words
            alarm = finding_id(self._compiled.city.id, words.kind, *words.key, words.since_us)
            standing.id, standing.onset_us = alarm.bytes, words.since_us
            standing.revision = self._book.ended_at(alarm.bytes)

    def _count(self, standing: Standing, now_us: int) -> None:
        """A new alarm counts towards a flood, unless it is the flood."""
        rule = flood.rule_of(self._compiled)
        if rule is None or standing.words.kind == flood.KIND:
            return
        words = standing.words
        begins = flood.note(self._flood, rule, (now_us, standing.onset_us, words.kind, words.subject), now_us)
        standing.in_flood = bool(self._flood.since_us)
        if begins:
            self._tell_flood(rule, now_us, True)

    def _look_at_flood(self, now_us: int) -> None:
        rule = flood.rule_of(self._compiled)
        if rule is None or self._flood.due_us != now_us:
            return
        lasts, news = flood.look(self._flood, rule, now_us)
        if news:
            self._tell_flood(rule, now_us, lasts)
        if not lasts:
            flood.end(self._flood)
        self._wait(self._flood.due_us, FLOOD_FIRST)

    def _tell_flood(self, rule: Rule, now_us: int, lasts: bool) -> None:
        city, since_us = self._compiled.city, self._flood.since_us
        because = flood.because(self._flood, rule, self._book.refused)
        self.take(Report(flood.KIND, rule, (), city.id, -1, "", lasts, now_us, since_us, because))
        self._wait(self._flood.due_us, FLOOD_FIRST)

    def _say(self, standing: Standing, now_us: int) -> None:
        words = standing.words
        standing.revision += 1
        self._alarms.append(
            Alarm(
                id=UUID(bytes=standing.id),
                revision=standing.revision,
                kind=words.kind,
                rule=words.rule,
                rule_version=words.rule_version,
                subject=words.subject,
                device=words.device,
                zone=words.zone,
                priority=self._compiled.priority(words.kind),
                condition=_CONDITIONS[standing.said],
                onset_us=standing.onset_us,
                changed_us=now_us,
                because=msgspec.structs.replace(
                    words.because, inputs={**words.because.inputs, **self._life(standing, now_us)}
                ),
            )
        )
        if standing.said == NORMAL:
            self._book.note_ended(standing.id, standing.revision)

    def _life(self, standing: Standing, now_us: int) -> dict[str, Scalar]:
        """What the alarm's own life adds to its figures, where there is something to add."""
        life: dict[str, Scalar] = {}
        if standing.activations > 1:
            life["activations"] = standing.activations
        if standing.chattering:
            life["chattering"] = True
        if standing.fleeting:
            life["fleeting"] = standing.fleeting
        if standing.in_flood:
            life["in_flood"] = True
        if standing.said == SUPPRESSED and standing.words.plan == MAINTENANCE:
            work = self._plans.work_at(standing.words.device, now_us)
            life["suppressed_by"] = MAINTENANCE
            life["suppressed_because"] = work.reason if work else ""
        elif standing.said == SUPPRESSED and standing.words.plan.startswith(HIGHER):
            life["suppressed_by"] = standing.words.plan.removeprefix(HIGHER)
        elif standing.said == SUPPRESSED:
            life["suppressed_by"] = standing.words.plan
            life.update(self._plans.reasons(standing.words.plan))
        return life


def _words(report: Report) -> Words:
    metric = report.rule.metric or report.because.inputs.get("metric") or ""
    return Words(
        kind=report.kind,
        key=report.key,
        rule=report.rule.id,
        rule_kind=report.rule.kind,
        rule_version=report.rule.version,
        subject=report.subject,
        device=report.device,
        zone=report.zone,
        since_us=report.since_us,
        because=report.because,
        metric=str(metric),
    )
