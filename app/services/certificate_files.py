"""Where the broker's certificates are kept: the CA for everybody to read, every key for its owner alone.

The CA's key lies in a folder that only we may enter and goes nowhere; the broker is handed its own key.
"""

import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from app.services.certificates import KeyPair, is_good, make_ca, make_certificate
from app.services.folders import is_private, replace_file, write_for_service
from app.services.listeners import CA_FILE, HOST_NAME, BrokerSettings
from app.setup.places import PROJECT
from contracts.errors import ConfigError

FOLDER: Final = "tls"
"""In the data folder: the CA's key, and the broker's certificate with its own."""
HOSTS: Final = ("localhost", "127.0.0.1", "::1")


def broker_certificate(data: Path, names: Sequence[str] = (), now: datetime | None = None) -> KeyPair:
    """The broker's certificate of our own CA, for this machine and for `names` (host names and addresses).

    Made, with the CA, where it is missing; made anew for other names, and some time before it ends.

    Raises:
        ConfigError: others may read a key, or the CA is there without its key.
    """
    now = now or datetime.now(UTC)
    folder = data / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not is_private(folder):
        raise ConfigError(
            "data folder", str(folder), "others may enter it: remove it with CA and keys, and start again"
        )
    ca = _ca(data / CA_FILE, folder / "ca.key", now)
    this = socket.gethostname()
    hosts = (*HOSTS, *([this] if HOST_NAME.fullmatch(this) else []), *names)
    kept = _kept(folder / "broker.pem", folder / "broker.key")
    if kept is None or not is_good(kept, ca, hosts, now):
        kept = make_certificate(ca, hosts, now)
        _keep(kept, folder / "broker.pem", folder / "broker.key")
    return kept


def hand_over(data: Path, settings: BrokerSettings, folder: Path) -> bool:
    """Puts what the listeners show (`house` and `field`, `.pem` and `.key`) into the broker's folder, for its account
    alone; whether any of it is another than before."""
    house = field = broker_certificate(data, settings.all_names)
    if settings.has_own_certificate:
        field = own_certificate(PROJECT / settings.certificate, PROJECT / settings.key)
    changed = False
    for name, pair in (("house", house), ("field", field)):
        for suffix, content in (("key", pair.key), ("pem", pair.certificate)):
            file, text = folder / f"{name}.{suffix}", content.decode()
            if not file.exists() or file.read_text() != text:
                write_for_service(file, text)
                changed = True
    return changed


def own_certificate(certificate: Path, key: Path) -> KeyPair:
    """A certificate that somebody else made, followed by those that it follows from. One that is over is taken: whoever
    renews it must not find the city stopped.

    Raises:
        ConfigError: it cannot be read, or the key is another's.
    """
    try:
        pair = KeyPair(certificate.read_bytes(), key.read_bytes())
        fits = pair.fits
    except (OSError, ValueError, TypeError) as problem:
        raise ConfigError("broker.certificate", str(certificate), f"it or its key: {problem}") from problem
    if not fits:
        raise ConfigError("broker.key", str(key), f"is not the key of {certificate}")
    return pair


def _ca(certificate: Path, key: Path, now: datetime) -> KeyPair:
    """The CA. Never replaced by itself, for every device would have to be given the new one: where it does not hold
    today, our clock is wrong as a rule."""
    kept = _kept(certificate, key)
    if kept is None and certificate.exists():
        advice = "its key is not in tls/: bring it back, or remove the CA, and hand the new one to every device"
        raise ConfigError("CA", str(certificate), advice, "certificates")
    if kept is None:
        kept = make_ca(now)
        _keep(kept, certificate, key)
    if not kept.begins <= now < kept.ends:
        holds = f"holds from {kept.begins:%Y-%m-%d} to {kept.ends:%Y-%m-%d}, and our clock says {now:%Y-%m-%d}"
        advice = "set the clock; if it is right, remove the CA, and hand the new one to every device"
        raise ConfigError("CA", str(certificate), f"{holds}: {advice}", "certificates")
    return kept


def _kept(certificate: Path, key: Path) -> KeyPair | None:
    """A pair that was kept; None where there is none, or whose keeping was cut off between its two files.

    Raises:
        ConfigError: others may read its key, or it is none.
    """
    if not (certificate.exists() and key.exists()):
        return None
    if not is_private(key):
        raise ConfigError("key", str(key), "others may read it: remove it and its certificate", "certificates")
    pair = KeyPair(certificate.read_bytes(), key.read_bytes())
    try:
        return pair if pair.fits else None
    except (ValueError, TypeError) as problem:
        raise ConfigError("certificate", str(certificate), f"it or its key: {problem}; remove both") from problem


def _keep(pair: KeyPair, certificate: Path, key: Path) -> None:
    """The key first: a certificate without its key would be worth nothing."""
    replace_file(key, pair.key.decode())
    replace_file(certificate, pair.certificate.decode(), 0o644)
