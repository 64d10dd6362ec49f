"""Devices that post over HTTP: what the API's receiver needs of the rest of the house.

Everything has one way in: what is posted is published to the broker under the device's topic, and comes to the pipeline
like anything else.
"""

from dataclasses import dataclass
from typing import Final, Protocol

RECEIVER_ACCOUNT: Final = "andaman-receiver"
"""The broker's account of the receiver, one of the house's, and the `account` in the entry of a device that posts."""


@dataclass(frozen=True, slots=True)
class Poster:
    """A device that may post. `topic`: where what it says is published."""

    device: str
    password: str
    topic: str

    def __repr__(self) -> str:
        return f"Poster({self.device})"


class Mailroom(Protocol):
    """Who may post, and the way to the broker."""

    def poster(self, name: str) -> Poster | None:
        """The device of that name; None where there is none that may post.

        Raises:
            StorageUnavailable: nobody can tell just now.
        """
        ...

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish at QoS 1; returns when the broker has taken it for somebody.

        Raises:
            TransportError: it has not, as far as we know.
        """
        ...
