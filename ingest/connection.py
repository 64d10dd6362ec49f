"""The words of the connection to the broker: where it is, its bounds, and what it is like at a moment."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from contracts.columns import Gap
from contracts.errors import ConfigError

DROPPED: Final = "$SYS/broker/publish/messages/dropped"
"""Mosquitto's count of messages dropped at the limits of its queues, since it started; retained, told when it grows."""


@dataclass(frozen=True, slots=True)
class IntakeSettings:
    """Bounds of the connection.

    `receive_maximum`: the back-pressure; fills a batch while two are on their way (half a second at 60,000 messages a
    second).
    `session_expiry_s`: the broker keeps what comes while we are away for a day: a night without anybody on duty.
    `max_packet_bytes`: four times the largest message; the broker leaves out what is larger, between the two it is
    rejected visibly. `max_queued_bytes`: memory for what waits to be taken; one more read may come on top.
    """

    receive_maximum: int = 32_768
    session_expiry_s: int = 86_400
    max_packet_bytes: int = 1_048_576
    max_queued_bytes: int = 64 * 1_048_576
    keepalive_s: int = 30

    def __post_init__(self) -> None:
        bounds = {
            "receive_maximum": (1, 65_535),
            "session_expiry_s": (1, 2**32 - 2),
            "max_packet_bytes": (1_024, 2**28),
            "max_queued_bytes": (1_024, 2**40),
            "keepalive_s": (5, 65_535),
        }
        for key, (least, most) in bounds.items():
            if not least <= getattr(self, key) <= most:
                raise ConfigError(f"intake.{key}", getattr(self, key), f"must be {least} to {most}")


@dataclass(frozen=True, slots=True)
class IntakeState:
    """What the connection is like. A change of it is reported; the counters are as of that moment."""

    connected: bool = False
    connection: int = 0
    """The number of the connection, counted over all attempts."""
    since_us: int = 0
    """When it became what it is."""
    session_present: bool = False
    """The broker still had our session, so nothing that was sent meanwhile is lost."""
    gap: Gap | None = None
    """What this connection ended: from when to when we did not listen. None on the first one."""
    problem: str = ""
    """Why there is no connection, for people."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is and who we are there."""

    host: str
    port: int
    username: str | None
    password: str | None
    tls: bool
    ca: Path | None = None
    """Who may vouch for it: certificates in PEM; None: those that the system trusts."""

    @classmethod
    def of(cls, url: str, ca: Path | None = None) -> "Broker":
        """`mqtt://user:password@host:port`, or `mqtts://`, encrypted: then it must show a certificate that `ca` (or the
        system) vouches for, made out to this host.

        Raises:
            ConfigError: it is no such URL. The message holds no password.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as problem:
            raise ConfigError("mqtt_url", "...", f"is no URL: {problem}") from None
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            shown = f"{parts.scheme}://{parts.hostname or ''}"
            raise ConfigError("mqtt_url", shown, "write it as mqtt://user:password@host:1883 or mqtts://...")
        tls = parts.scheme == "mqtts"
        username = unquote(parts.username) if parts.username else None
        password = unquote(parts.password) if parts.password else None
        return cls(parts.hostname, port or (8883 if tls else 1883), username, password, tls, ca)
