"""The engine's whole state: plain arrays by name, so that a snapshot is a list of named arrays and nothing else.

`STATE_VERSION` names the meaning of the fields: a snapshot of another version is not loaded, the log is folded again.
Device arrays are indexed by registry number and grow with the city.
"""

from dataclasses import dataclass, field, fields
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

from contracts.columns import Columns
from processing.kernels.identity import STRIDE

STATE_VERSION: Final = "6"

Part = TypeVar("Part")
Int64s = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

NOTICE_KINDS: Final = ("poison", "disk-low", "clock-fault", "broker-drops")
"""What the pipeline may notice about our own house, in the order of the state's arrays. Add at the end."""


def _zeros() -> Int64s:
    return np.zeros(0, np.int64)


def _flags() -> Flags:
    return np.zeros(0, np.bool_)


@dataclass(slots=True)
class Moments:
    """Scalars of the fold."""

    n: int = 0
    now_us: int = 0
    config: int = -1
    listening_us: int = 0
    """Since when we listen without a gap."""


@dataclass(slots=True)
class Clocks:
    """By device, in us: last heard (engine time), newest event, known since, and gap time excused since last heard."""

    heard_us: Int64s = field(default_factory=_zeros)
    newest_us: Int64s = field(default_factory=_zeros)
    since_us: Int64s = field(default_factory=_zeros)
    excused_us: Int64s = field(default_factory=_zeros)
    memory: Int64s = field(default_factory=_zeros)
    """The identity memory (kernels/identity.py), STRIDE values a device."""


@dataclass(slots=True)
class Silence:
    """By device: whether it is silent, since which tick, after which event."""

    active: Flags = field(default_factory=_flags)
    onset_us: Int64s = field(default_factory=_zeros)
    event_us: Int64s = field(default_factory=_zeros)


@dataclass(slots=True)
class House:
    """By NOTICE_KINDS: whether something about our own house holds, and since when."""

    active: Flags = field(default_factory=lambda: np.zeros(len(NOTICE_KINDS), np.bool_))
    onset_us: Int64s = field(default_factory=lambda: np.zeros(len(NOTICE_KINDS), np.int64))


@dataclass(slots=True)
class State:
    """Everything the fold remembers. `step` owns it and changes it in place: hand it over, use what comes back."""

    moments: Moments = field(default_factory=Moments)
    clocks: Clocks = field(default_factory=Clocks)
    silence: Silence = field(default_factory=Silence)
    house: House = field(default_factory=House)
    parts: dict[str, Any] = field(default_factory=dict)
    """What rules and detectors remember, by name; see `part`."""
    loaded: dict[str, dict[str, Columns]] = field(default_factory=dict)
    """Parts of a snapshot that nobody has asked for yet."""

    def part(self, name: str, form: type[Part]) -> Part:
        """What a rule or detector remembers: a dataclass of arrays and numbers, all with defaults, made on first use.

        The form stands in the rule's own file; its fields are kept by snapshots under their names.
        """
        if name not in self.parts:
            made = form()
            for entry, array in self.loaded.pop(name, {}).items():
                setattr(made, entry, _from_array(getattr(made, entry), array))
            self.parts[name] = made
        held: Part = self.parts[name]
        return held

    @property
    def size(self) -> int:
        """How many device places there are."""
        return int(self.clocks.heard_us.size)

    def grow(self, size: int) -> None:
        """Make room for registry numbers below `size`; what is there stays."""
        more = size - self.size
        if more <= 0:
            return
        for part in (self.clocks, self.silence):
            for entry in fields(part):
                old = getattr(part, entry.name)
                width = STRIDE if entry.name == "memory" else 1
                setattr(part, entry.name, np.concatenate((old, np.zeros(more * width, old.dtype))))


def grown(array: Any, size: int, blank: Any = 0) -> Any:
    """The array with at least this many places, the new ones blank; itself where it is long enough."""
    if array.size >= size:
        return array
    made = np.zeros(size, array.dtype)
    made[: array.size] = array
    if blank:
        made[array.size :] = blank
    return made


def to_fields(state: State) -> dict[str, Columns]:
    """The state as named arrays, copied: the fold may go on while they are written."""
    out: dict[str, Columns] = {}
    for part_name in ("moments", "clocks", "silence", "house"):
        part = getattr(state, part_name)
        for entry in fields(part):
            out[f"{part_name}.{entry.name}"] = np.array(getattr(part, entry.name))
    for name, part in state.parts.items():
        for entry in fields(part):
            out[f"part/{name}/{entry.name}"] = np.array(getattr(part, entry.name))
    for name, arrays in state.loaded.items():
        for entry_name, array in arrays.items():
            out[f"part/{name}/{entry_name}"] = array.copy()
    return out


def from_fields(named: dict[str, Columns]) -> State:
    """The state of its named arrays.

    Raises:
        KeyError: a field is missing: the snapshot is of another version.
    """
    state = State()
    for part_name in ("moments", "clocks", "silence", "house"):
        part = getattr(state, part_name)
        for entry in fields(part):
            setattr(part, entry.name, _from_array(getattr(part, entry.name), named[f"{part_name}.{entry.name}"]))
    for name, array in named.items():
        if name.startswith("part/"):
            _, part, entry_name = name.split("/")
            state.loaded.setdefault(part, {})[entry_name] = array
    return state


def _from_array(like: Any, array: Columns) -> Any:
    if isinstance(like, bool | int):
        return type(like)(array[()])
    return array.copy()
