"""Small ports: what one folder needs of another, without knowing it. `app` hands the real thing over."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SealedPlate:
    """A plate as the log holds it; lengths as in `contracts.columns`, `hash_before` zero bytes where unused."""

    day: int
    hash: bytes
    hash_before: bytes
    skeleton: bytes
    sealed: bytes


class PlateSealer(Protocol):
    """Seals normalised plates under the keys of a day. No clear plate comes back out of it."""

    def seal(self, text: str, skeleton: str, event_us: int) -> SealedPlate:
        """Seal `text` (`1กข1234|TH-83`) and hash it and its confusable skeleton with the keys of the event's day.

        Raises:
            VaultError: the day's keys have been destroyed.
        """
        ...
