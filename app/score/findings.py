"""Findings in the one form that is scored, whether they come out of the fold, a file or the database."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from contracts.city import City
from contracts.errors import ConfigError
from contracts.findings import Alarm, Condition, Violation


class Case(msgspec.Struct, frozen=True):
    """A suspected violation, in its last revision. `kind`: of the rule, such as `speeding`."""

    id: str
    kind: str
    device: str
    occurred_us: int
    lane: int
    chargeable: bool
    reason: str


class Raised(msgspec.Struct, frozen=True):
    """An alarm from its first revision to its last. `to_us` -1: it still stands. `suppressed`: it always was.

    `devices`: its own and those that its explanation lists.
    """

    id: str
    kind: str
    subject: str
    devices: tuple[str, ...]
    from_us: int
    to_us: int
    suppressed: bool
    metric: str = ""


class Findings(msgspec.Struct, frozen=True):
    """Everything that was found."""

    cases: tuple[Case, ...] = ()
    alarms: tuple[Raised, ...] = ()


def cases_of(city: City, violations: Iterable[Violation]) -> tuple[Case, ...]:
    """The cases of a run's violations, revisions in the order in which they were said."""
    kinds = {rule.id: rule.kind for rule in city.rules}
    names = {device.no: device.id for device in city.devices}
    latest: dict[str, Case] = {}
    for one in violations:
        latest[str(one.id)] = Case(
            id=str(one.id),
            kind=kinds.get(one.rule, one.rule),
            device=names[one.device],
            occurred_us=one.occurred_us,
            lane=one.lane,
            chargeable=one.chargeable,
            reason=one.reason,
        )
    return tuple(latest.values())


def alarms_of(city: City, alarms: Iterable[Alarm]) -> tuple[Raised, ...]:
    """The alarms of a run, their revisions in the order in which they were said."""
    names = {device.no: device.id for device in city.devices}
    known = frozenset(names.values())
    lives: dict[str, list[Alarm]] = {}
    for one in alarms:
        lives.setdefault(str(one.id), []).append(one)
    return tuple(_life(key, life, names, known) for key, life in lives.items())


def _life(key: str, life: list[Alarm], names: dict[int, str], known: frozenset[str]) -> Raised:
    first, last = life[0], life[-1]
    devices = {names[first.device]} if first.device in names else set()
    for one in life:
        devices |= named_devices(one.because.inputs, known)
    metric = first.because.inputs.get("metric")
    return Raised(
        id=key,
        kind=first.kind,
        subject=first.subject,
        devices=tuple(sorted(devices)),
        from_us=min(one.onset_us for one in life),
        to_us=last.changed_us if last.condition is Condition.NORMAL else -1,
        suppressed=all(one.condition is not Condition.ACTIVE for one in life),
        metric=metric if isinstance(metric, str) else "",
    )


def named_devices(inputs: Mapping[str, object], known: frozenset[str]) -> set[str]:
    """The devices that an explanation names in any of its figures, alone or in a list."""
    words = {word for value in inputs.values() if isinstance(value, str) for word in value.replace(",", " ").split()}
    return words & known


def read_findings(path: Path) -> Findings:
    """Findings that `andaman score --save` wrote.

    Raises:
        ConfigError: the file cannot be read or holds something else.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Findings)
    except OSError as problem:
        raise ConfigError("findings", path, f"cannot be read: {problem.strerror}") from problem
    except msgspec.DecodeError as problem:
        raise ConfigError("findings", path, f"not what a score saved: {problem}") from problem


def write_findings(path: Path, found: Findings) -> None:
    """Keep findings for another score."""
    path.write_bytes(msgspec.json.encode(found))
