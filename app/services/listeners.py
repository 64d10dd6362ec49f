"""Where the broker listens, and how it is spoken to there: the field and the house have a listener each.

*The field* (devices) is encrypted always, and a client there is its account: whatever client id it names, the broker
uses its user name, so nobody ends the session of another. *The house* (our own processes) is on the loopback alone and
encrypted too, with a certificate of our own CA: a program of this machine that takes its port hears no password. Its
clients name their sessions themselves. Without a field a broker has one plain listener on the loopback: for tests.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address
from pathlib import Path
from typing import Final

from app.services.ports import LOOPBACK
from contracts.errors import ConfigError

FIELD_PORT: Final = 8883
"""Registered for MQTT over TLS."""
HOUSE_PORT: Final = 18_830
"""Of no meaning, and away from the field's neighbours."""
PLAIN_PORT: Final = 1883
CA_FILE: Final = "broker-ca.pem"
"""In the data folder: what devices and our own processes verify the broker with."""
HOST_NAME: Final = re.compile(r"(?=.{1,253}$)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """The embedded broker, as devices meet it."""

    host: str = LOOPBACK
    """The address that devices reach: one of this machine's, or 0.0.0.0 for all; always encrypted."""
    port: int = 0
    """0: 8883 unless taken, then the next that is free."""
    names: str = ""
    """Under what names and addresses devices know this machine, with commas: the certificate is made out to them."""
    certificate: Path = Path("")
    """One's own certificate for the field, with its chain, in PEM; empty: of our own CA (`broker-ca.pem`)."""
    key: Path = Path("")
    """The key of that certificate, in PEM, without a password."""

    def __post_init__(self) -> None:
        try:
            IPv4Address(self.host)
        except ValueError:
            raise ConfigError("broker.host", self.host, "must be an IPv4 address, such as 0.0.0.0") from None
        if not 0 <= self.port <= 65_535:
            raise ConfigError("broker.port", self.port, "must be 0 to 65535")
        if (self.certificate == Path("")) != (self.key == Path("")):
            raise ConfigError("broker.certificate", str(self.certificate), "goes with broker.key: set both or neither")
        for name in self.all_names:
            if not HOST_NAME.fullmatch(name) and not _is_address(name):
                raise ConfigError("broker.names", name, "is no host name or address; several stand with commas")

    @property
    def all_names(self) -> tuple[str, ...]:
        """The names one by one, with the address itself."""
        named = tuple(name.strip() for name in self.names.split(",") if name.strip())
        return named if IPv4Address(self.host).is_unspecified else (*named, self.host)

    @property
    def has_own_certificate(self) -> bool:
        """Whether a certificate of somebody else's CA is shown to devices."""
        return self.certificate != Path("")


def listener_lines(house_port: int, folder: Path, field: tuple[str, int] | None) -> str:
    """The listeners in `mosquitto.conf`, the house's first; `field`: host and port. TLS is 1.2 or newer."""
    house = f"listener {house_port} {LOOPBACK}\n"
    if field is None:
        return house
    return (
        f"{house}{_encrypted(folder, 'house')}"
        f"listener {field[1]} {field[0]}\n{_encrypted(folder, 'field')}"
        "use_username_as_clientid true\n"
    )


def _encrypted(folder: Path, name: str) -> str:
    return f"certfile {folder}/{name}.pem\nkeyfile {folder}/{name}.key\ntls_version tlsv1.2\n"


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
