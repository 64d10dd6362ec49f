"""What the engine remembers of alarms: a slot for each condition that stands, waits or rests, and the ids last ended.

Numbers lie in one array, words as MessagePack (it knows NaN) in one run of bytes, so that a snapshot holds plain arrays
and an alarm keeps its name when its device leaves the city. A slot is loaded when something happens to it, and is
written back changed.
"""

from dataclasses import dataclass, field
from typing import Final

import msgspec
import numpy as np

from contracts.columns import Columns
from contracts.findings import Because
from processing.compiled import FOR_EVER_US
from processing.state import grown

CHATTER_MOST: Final = 8
"""How many beginnings are remembered: `chatter_count` is at most that (contracts/responses.py)."""
ENDED: Final = 4096
"""Ids of ended alarms that are remembered, the newest: an alarm that begins again under the same id goes on in its
count of revisions. A busy city ends some hundreds a day."""

CONDITIONS: Final = 100_000
"""Conditions kept at once: 200 MB at their largest. What begins beyond it is counted (`refused`) and told by the flood
alarm, which certainly stands then."""

NOTHING, ACTIVE, SUPPRESSED, NORMAL = 0, 1, 2, 3
"""What was last said of a condition."""

SLOT: Final = np.dtype(
    [
        ("condition", "V16"),
        ("id", "V16"),
        ("due_us", "i8"),
        ("onset_us", "i8"),
        ("began_us", "i8"),
        ("over_us", "i8"),
        ("planned_us", "i8"),
        ("recent_us", "i8", (CHATTER_MOST,)),
        ("revision", "i4"),
        ("activations", "i4"),
        ("fleeting", "i4"),
        ("said", "i1"),
        ("holds", "?"),
        ("chattering", "?"),
        ("in_flood", "?"),
        ("words_at", "i8"),
        ("words_size", "i8"),
    ]
)
"""See `Standing` for the meaning; `words_at`, `words_size`: where in the book's bytes the words are."""
ENDED_ROW: Final = np.dtype([("id", "V16"), ("revision", "i4")])


class Words(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is said of a condition, as last reported."""

    kind: str
    key: tuple[int, ...]
    rule: str
    rule_kind: str
    rule_version: int
    subject: str
    device: int
    zone: str
    since_us: int
    because: Because
    metric: str = ""
    plan: str = ""
    """The suppression or maintenance plan that keeps it from being active, if one does."""


@dataclass(slots=True)
class Standing:
    """A condition in hand. Times are the engine's, us, but for `onset_us` and `recent_us`: event times of beginnings.

    `holds`: the condition is there now, since `began_us`, or is gone since `over_us`. `said`: NOTHING, ACTIVE,
    SUPPRESSED or NORMAL. `planned_us`: until when a known test suppresses it. `due_us`: when it must be looked at
    again. `fleeting`: how often it went before its on-delay was over.
    """

    condition: bytes
    words: Words
    id: bytes = bytes(16)
    due_us: int = FOR_EVER_US
    onset_us: int = 0
    began_us: int = 0
    over_us: int = 0
    planned_us: int = 0
    recent_us: tuple[int, ...] = (0,) * CHATTER_MOST
    revision: int = 0
    activations: int = 0
    fleeting: int = 0
    said: int = NOTHING
    holds: bool = False
    chattering: bool = False
    in_flood: bool = False

    @property
    def stands(self) -> bool:
        """Whether an alarm of it was said and not ended."""
        return self.said in (ACTIVE, SUPPRESSED)


_NUMBERS: Final = tuple(name for name in SLOT.names or () if not name.startswith("words_"))


@dataclass(slots=True)
class Book:
    """The state's part. `next_ended` counts the ids that went into the ring of the ended, `refused` the conditions for
    which there was no room."""

    slots: Columns = field(default_factory=lambda: np.empty(0, SLOT))
    words: Columns = field(default_factory=lambda: np.empty(0, np.uint8))
    ended: Columns = field(default_factory=lambda: np.zeros(0, ENDED_ROW))
    next_ended: int = 0
    refused: int = 0

    def due_us(self) -> int:
        """When the first of all must be looked at."""
        return int(self.slots["due_us"].min()) if self.slots.size else FOR_EVER_US

    def places(self) -> dict[bytes, int]:
        """The row of each condition."""
        return {condition: row for row, condition in enumerate(self.slots["condition"].tolist())}

    def place(self, condition: bytes) -> int | None:
        """The row of one condition, or None."""
        rows = np.flatnonzero(self.slots["condition"] == np.void(condition))
        return int(rows[0]) if rows.size else None

    def load(self, row: int) -> Standing:
        """The condition of a row, in hand."""
        slot = self.slots[row]
        at, size = int(slot["words_at"]), int(slot["words_size"])
        words = msgspec.msgpack.decode(self.words[at : at + size].tobytes(), type=Words)
        values = {name: slot[name].item() for name in _NUMBERS if name != "recent_us"}
        return Standing(words=words, recent_us=tuple(slot["recent_us"].tolist()), **values)

    def store(self, changed: dict[bytes, Standing | None], rows: dict[bytes, int]) -> None:
        """Write these conditions back to their rows; new ones are appended, one that is None is given up."""
        if not changed:
            return
        new = [condition for condition in sorted(changed) if changed[condition] is not None and condition not in rows]
        rows = {**rows, **{condition: self.slots.size + at for at, condition in enumerate(new)}}
        self.slots = np.concatenate((self.slots, np.zeros(len(new), SLOT)))
        gone: list[int] = []
        texts: list[bytes] = []
        end = self.words.size
        for condition in sorted(changed.keys() & rows.keys()):
            standing, slot = changed[condition], self.slots[rows[condition]]
            if standing is None:
                gone.append(rows[condition])
                continue
            texts.append(msgspec.msgpack.encode(standing.words))
            for name in _NUMBERS:
                slot[name] = getattr(standing, name)
            slot["words_at"], slot["words_size"] = end, len(texts[-1])
            end += len(texts[-1])
        self.words = np.concatenate((self.words, np.frombuffer(b"".join(texts), np.uint8)))
        self.slots = np.delete(self.slots, gone) if gone else self.slots
        if self.words.size > 2 * int(self.slots["words_size"].sum()):
            self._pack()

    def _pack(self) -> None:
        """Leave out the bytes that no slot names any more."""
        bounds = zip(self.slots["words_at"].tolist(), self.slots["words_size"].tolist(), strict=True)
        runs = [self.words[at : at + size] for at, size in bounds]
        self.words = np.concatenate([np.empty(0, np.uint8), *runs])
        self.slots["words_at"] = np.cumsum(self.slots["words_size"]) - self.slots["words_size"]

    def note_ended(self, alarm: bytes, revision: int) -> None:
        """Remember at which revision an alarm ended."""
        place = self.next_ended % ENDED
        if place >= self.ended.size:
            self.ended = grown(self.ended, min(ENDED, max(16, 2 * self.ended.size)))
        self.ended[place] = (alarm, revision)
        self.next_ended += 1

    def ended_at(self, alarm: bytes) -> int:
        """The last revision of an alarm that ended under this id; 0 where none is remembered."""
        revisions = self.ended["revision"][self.ended["id"] == np.void(alarm)]
        return int(revisions.max()) if revisions.size else 0
