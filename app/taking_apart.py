"""What becomes of a batch that broke: the state is dropped and reloaded, and what was not committed is bisected.

A fold or a commit that failed says nothing about which record is to blame, and leaves the state half changed. So
everything since the last commit is tried again in halves, each committed before the next is tried; the one delivery
that breaks alone is kept as rejected (`poison`) and the rest goes on, in the order in which it came. Whether a commit
in doubt was written is settled by the writer before any of this.
"""

import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from app.committing import Work
from contracts.columns import Gap
from contracts.delivery import Delivery, Rejection
from contracts.errors import Fenced, MessageRejected, StorageUnavailable
from ingest.registry import Registry
from ingest.rejections import reject_message

LOG = logging.getLogger(__name__)

ENVIRONMENT: Final = (StorageUnavailable, OSError)
"""What the environment does to us: tried again, never held against a record."""


class Workshop(Protocol):
    """The pipeline, as far as taking a batch apart needs it."""

    def start_over(self) -> list[Delivery]:
        """Drop the state, take back what is not committed and reload; the deliveries of it, in order."""
        ...

    def recover(self) -> None:
        """Reload the state from the log."""
        ...

    def commit_now(self, deliveries: Sequence[Delivery]) -> bool:
        """One batch of these, committed before this returns; False where they were held instead."""
        ...

    def set_aside(self, delivery: Delivery, detail: str) -> None:
        """Commit one delivery as rejected, its number settled."""
        ...

    def hold(self, deliveries: Sequence[Delivery]) -> None:
        """Keep deliveries for the next turn."""
        ...


@dataclass(frozen=True, slots=True)
class Undone:
    """What work that was not committed held, and another batch has to say."""

    deliveries: list[Delivery]
    gaps: list[Gap]
    past: tuple[int, int] | None


def undone(works: Sequence[Work]) -> Undone:
    """What these works held, in order."""
    return Undone(
        [delivery for work in works for delivery in work.deliveries],
        [gap for work in works for gap in work.gaps],
        next((work.past for work in works if work.past is not None), None),
    )


def take_apart(shop: Workshop) -> None:
    """Start over, and commit what was not committed but for the offenders, in order.

    Where the environment fails in between, or what came is to wait for our clock, everything from there on is kept for
    the next turn: what came later is never in the log before what came earlier.

    Raises:
        Fenced: a newer pipeline has the shard.
        Exception: a batch without any delivery breaks as well: the data is not to blame, we are.
    """
    waiting: deque[Sequence[Delivery]] = deque(([], shop.start_over()))
    while waiting:
        part = waiting.popleft()
        try:
            if shop.commit_now(part):
                continue
        except Fenced:
            raise
        except ENVIRONMENT as problem:
            LOG.warning("%s; trying again", problem)
            shop.recover()
        except Exception as problem:
            if not part:
                raise
            shop.recover()
            waiting.extendleft(reversed(_smaller(shop, part, problem)))
            continue
        for later in (part, *waiting):
            shop.hold(later)
        return


def _smaller(shop: Workshop, broken: Sequence[Delivery], problem: Exception) -> list[Sequence[Delivery]]:
    """The halves of what broke; a single one is the offender and set aside."""
    if len(broken) == 1:
        # The error's text may quote the delivery: only its type is told.
        shop.set_aside(broken[0], f"{type(problem).__name__} while it was folded or written")
        return []
    half = len(broken) // 2
    return [broken[:half], broken[half:]]


def poison(delivery: Delivery, registry: Registry | None, detail: str) -> Rejection:
    """The rejection that one offender is kept as."""
    device = registry.named(delivery.topic) if registry else None
    return reject_message(delivery, device, MessageRejected("poison", detail))
