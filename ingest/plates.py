"""One plate of one pass: consensus over its reads, and how sure it is. Clear text lives here and nowhere after.

The consensus is a vote position by position, each read weighted by its confidence; reads that obey the grammar vote
before those that do not. The sealed text is `plate|province` (`1กข1234|TH-83`, province empty where unknown). The
skeleton leaves the province out: it is the line that cameras lose first, and a skeleton only ever proposes a match.
"""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from operator import itemgetter
from typing import Final, TypeVar

from contracts.records import PlateRead, VehicleClass
from ingest.grammar import MAX_PLATE_BYTES, is_plate, normalise, skeleton
from ingest.provinces import province_code

CLEAR_CONFIDENCE: Final = 0.80
"""Below it a plate is doubtful: four fifths of what was read must say the same (our choice, until real cameras are
measured against it)."""
LEAST_WEIGHT: Final = 0.01
"""Weight of a read without confidence: it has a voice, but never against one that is sure of anything."""

V = TypeVar("V", bound=Hashable)


class PlateState(IntEnum):
    """How a passage's plate may be used: a doubtful one never without a person looking at it."""

    NONE = 0
    CLEAR = 1
    DOUBTFUL = 2


@dataclass(frozen=True, slots=True)
class Plate:
    """What the reads of one pass agree on. `confidence` is the least support of a position times the best read."""

    text: str
    province: str | None
    confidence: float
    state: PlateState

    @property
    def sealed_text(self) -> str:
        """The text to seal."""
        return f"{self.text}|{self.province or ''}"

    @property
    def skeleton(self) -> str:
        """The text that look-alike plates share."""
        return skeleton(self.text)

    def __repr__(self) -> str:
        # A plate in a traceback or a log line would be a leak.
        return f"Plate(state={self.state.name}, confidence={self.confidence:.2f})"


def consensus(reads: Sequence[PlateRead], vehicle: VehicleClass = VehicleClass.UNKNOWN) -> Plate | None:
    """The plate that the reads of one pass agree on, or None when none of them holds a plate's letters."""
    votes = [(text, read) for read in reads if 0 < len((text := normalise(read.text)).encode()) <= MAX_PLATE_BYTES]
    if not votes:
        return None
    voters = [vote for vote in votes if is_plate(vote[0], vehicle)] or votes
    length, _ = _heaviest([(len(text), _weight(read)) for text, read in voters])
    voters = [vote for vote in voters if len(vote[0]) == length]
    text, weight = _agreed([(text, _weight(read)) for text, read in voters])
    # Reads that were outvoted in grammar or length count against the result.
    support = min(weight / sum(_weight(read) for _, read in votes), 1.0)
    confidence = support * max(read.confidence for _, read in voters)
    province, province_support = _province([read for _, read in votes])
    clear = is_plate(text, vehicle) and min(confidence, province_support) >= CLEAR_CONFIDENCE
    return Plate(text, province, confidence, PlateState.CLEAR if clear else PlateState.DOUBTFUL)


def _agreed(votes: Sequence[tuple[str, float]]) -> tuple[str, float]:
    """The text that texts of one length make position by position, and the least weight of a position."""
    first = votes[0][0]
    if all(text == first for text, _ in votes):
        return first, sum(weight for _, weight in votes)
    letters = [_heaviest([(text[at], weight) for text, weight in votes]) for at in range(len(first))]
    return "".join(letter for letter, _ in letters), min(weight for _, weight in letters)


def _weight(read: PlateRead) -> float:
    return max(read.confidence, LEAST_WEIGHT)


def _province(reads: Sequence[PlateRead]) -> tuple[str | None, float]:
    """The province that most reads name, and its share of those that name one; 0 where none does."""
    named = [(code, _weight(read)) for read in reads if read.province and (code := province_code(read.province))]
    if not named:
        return None, 0.0
    code, weight = _heaviest(named)
    return code, min(weight / sum(weight for _, weight in named), 1.0)


def _heaviest(votes: Sequence[tuple[V, float]]) -> tuple[V, float]:
    """The value with most weight, and that weight; of equals the one read first."""
    if len(votes) == 1:
        return votes[0]
    weights: defaultdict[V, float] = defaultdict(float)
    for value, weight in votes:
        weights[value] += weight
    return max(weights.items(), key=itemgetter(1))
