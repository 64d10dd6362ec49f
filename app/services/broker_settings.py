"""The embedded Mosquitto's configuration and its password hashes: nobody anonymous, every queue bounded."""

import base64
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from app.services.listeners import listener_lines

# Mosquitto's own format `$7$iterations$salt$hash` (PBKDF2 with SHA-512, salt of 12 bytes, hash of 64) and its default
# count of iterations. The passwords are random 192-bit tokens: more would only slow a thousand devices that reconnect.
HASH_ITERATIONS = 101
SALT_BYTES = 12


@dataclass(frozen=True)
class BrokerLimits:
    """What the broker holds for clients that are slow or away. Every number bounds memory on the small machine."""

    # For one client that is away: a pipeline down for 30 minutes at 5,000 messages a second. Measured, a queued message
    # costs 390 bytes and its payload (docs/delivery.md): 5.6 GB at the worst, of which an ordinary city uses a tenth.
    queued_messages: int = 30 * 60 * 5_000
    queued_bytes: int = 2 * 1024**3  # payloads of 238 bytes on average; what comes first bounds
    inflight_messages: int = 0  # no limit of the broker's: the client's Receive Maximum is the back-pressure
    packet_bytes: int = 2 * 1024 * 1024  # an evidence picture of 1 MiB in base64, and its frame
    session_expiry: str = "7d"  # a device that is silent for a week starts afresh
    autosave_s: int = 60  # state saved to disk; devices keep what lies above the committed mark
    sys_interval_s: int = 10  # figures of its own for the metrics
    # Nagle's algorithm on: the broker writes each packet by itself, and every write that finds the one before still
    # unconfirmed joins it. Without, 34,000 messages a second of one reading; with, 59,000; nothing comes later for it.
    tcp_nodelay: bool = False


def broker_settings(port: int, folder: Path, limits: BrokerLimits, field: tuple[str, int] | None = None) -> str:
    """The text of `mosquitto.conf` for a broker whose files lie in `folder`; `field`: where devices reach it."""
    return f"""# Written at every start by app/services/broker_settings.py: change it there.
{listener_lines(port, folder, field)}
allow_anonymous false
password_file {folder}/passwords
acl_file {folder}/acl
pid_file {folder}/mosquitto.pid

persistence true
persistence_location {folder}/store
autosave_interval {limits.autosave_s}
autosave_on_changes false
persistent_client_expiration {limits.session_expiry}

max_queued_messages {limits.queued_messages}
max_queued_bytes {limits.queued_bytes}
max_inflight_messages {limits.inflight_messages}
max_packet_size {limits.packet_bytes}
queue_qos0_messages false
set_tcp_nodelay {str(limits.tcp_nodelay).lower()}
sys_interval {limits.sys_interval_s}

log_dest stderr
log_type error
log_type warning
log_type notice
log_type information
log_timestamp_format %Y-%m-%dT%H:%M:%S
connection_messages false
"""


def password_lines(accounts: dict[str, str], hashed: Mapping[str, str] | None = None) -> str:
    """The text of the password file for `{user name: password}` and `{user name: hash}`."""
    hashes = {name: password_hash(password) for name, password in accounts.items()} | dict(hashed or {})
    return "".join(f"{name}:{hash}\n" for name, hash in hashes.items())


def password_hash(password: str, salt: bytes | None = None) -> str:
    """A password the way Mosquitto 2 stores it."""
    salt = os.urandom(SALT_BYTES) if salt is None else salt
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, HASH_ITERATIONS)
    return f"$7${HASH_ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"
