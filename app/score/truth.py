"""The truth file read back: planted offences, their records joined, and planted faults.

Lines are those that `simulators.truth` writes; what is not understood is an error, for a score that leaves out lines
is none.
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from contracts.clock import to_us
from contracts.errors import ConfigError


class OffenceLine(msgspec.Struct, frozen=True):
    """One record of a planted offence."""

    offence: str
    device: str
    boot: int
    seq: int
    part: int
    t: datetime
    lane: int
    plate: str
    chargeable: bool | None
    why_not: tuple[str, ...]
    vehicle: str = msgspec.field(name="class", default="unknown")
    pair: int = 0


class FaultLine(msgspec.Struct, frozen=True):
    """One planted fault."""

    fault: str
    devices: tuple[str, ...]
    begins: datetime = msgspec.field(name="from")
    ends: datetime = msgspec.field(name="to")
    metrics: tuple[str, ...] = ()
    lane: int = 0
    segment: str = ""
    direction: int = 0

    @property
    def from_us(self) -> int:
        """When it begins."""
        return to_us(self.begins)

    @property
    def to_us(self) -> int:
        """When it is over."""
        return to_us(self.ends)


class Offence(msgspec.Struct, frozen=True):
    """A planted offence: its records as (device, event time), in order of time.

    `chargeable` None: either answer is right. `why_not`: the reasons that exclude a charge, all of them.
    """

    kind: str
    records: tuple[tuple[str, int], ...]
    lane: int
    vehicle: str
    chargeable: bool | None
    why_not: tuple[str, ...]


class Truth(msgspec.Struct, frozen=True):
    """Everything planted."""

    offences: tuple[Offence, ...]
    faults: tuple[FaultLine, ...]


def parse_truth(lines: Iterable[Any], source: str = "truth") -> Truth:
    """The truth of decoded lines.

    Raises:
        ConfigError: a line is neither an offence nor a fault.
    """
    offences: list[OffenceLine] = []
    faults: list[FaultLine] = []
    for number, line in enumerate(lines, start=1):
        try:
            if isinstance(line, dict) and "fault" in line:
                faults.append(msgspec.convert(line, FaultLine))
            else:
                offences.append(msgspec.convert(line, OffenceLine))
        except msgspec.ValidationError as problem:
            raise ConfigError("line", number, f"neither an offence nor a fault: {problem}", source) from problem
    return Truth(tuple(_joined(offences)), tuple(faults))


def read_truth(path: Path) -> Truth:
    """The truth in a file of JSON lines.

    Raises:
        ConfigError: the file cannot be read, or a line of it.
    """
    try:
        lines = [msgspec.json.decode(line) for line in path.read_bytes().splitlines() if line.strip()]
    except OSError as problem:
        raise ConfigError("truth", path, f"cannot be read: {problem.strerror}") from problem
    except msgspec.DecodeError as problem:
        raise ConfigError("truth", path, f"a line of it is not JSON: {problem}") from problem
    return parse_truth(lines, str(path))


def _joined(lines: Iterable[OffenceLine]) -> list[Offence]:
    """Records that make one offence together, joined; one alone is none: the others were never said."""
    pairs: dict[tuple[str, int], list[OffenceLine]] = {}
    offences = []
    for line in lines:
        if line.pair:
            pairs.setdefault((line.offence, line.pair), []).append(line)
        else:
            offences.append(_offence([line]))
    offences += [_offence(both) for both in pairs.values() if len({line.device for line in both}) >= 2]
    return sorted(offences, key=lambda one: (one.records, one.kind))


def _offence(lines: list[OffenceLine]) -> Offence:
    lines = sorted(lines, key=lambda line: line.t)
    charges = [line.chargeable for line in lines]
    return Offence(
        kind=lines[0].offence,
        records=tuple((line.device, to_us(line.t)) for line in lines),
        lane=lines[-1].lane,
        vehicle=lines[0].vehicle,
        chargeable=False if False in charges else None if None in charges else True,
        why_not=tuple(sorted({reason for line in lines for reason in line.why_not})),
    )
