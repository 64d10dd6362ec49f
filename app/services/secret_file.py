"""Passwords that nobody has to think of: made once, kept in a file that only its owner may read."""

import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

from app.services.folders import is_private, replace_file
from contracts.errors import ConfigError

PASSWORD_BYTES = 24  # 192 bits: out of reach of guessing, short enough for a line of configuration


def passwords_for(names: Iterable[str], path: Path) -> dict[str, str]:
    """The password of each name; those that are missing are made and written down first."""
    wanted = list(names)
    known = _read(path)
    if any(name not in known for name in wanted):
        with _alone(path):
            known = _read(path)  # another process may have made some meanwhile
            missing = {name: secrets.token_urlsafe(PASSWORD_BYTES) for name in wanted if name not in known}
            known |= missing
            replace_file(path, json.dumps(known, indent=2))
    return {name: known[name] for name in wanted}


def write_password(name: str, password: str, path: Path) -> None:
    """Write down another password of a name."""
    with _alone(path):
        replace_file(path, json.dumps({**_read(path), name: password}, indent=2))


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time changes the file."""
    lock = os.open(path.with_name(path.name + ".lock"), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    _require_private(path)
    known: dict[str, str] = json.loads(path.read_text())
    return known


def secret_bytes(path: Path, size: int) -> bytes:
    """Random bytes that are made once. They stand there whole or not at all, whoever else makes them meanwhile.

    Raises:
        ConfigError: others may read the file.
    """
    if not path.exists():
        scratch = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
            handle.write(secrets.token_bytes(size))
            handle.flush()
            os.fsync(handle.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(scratch, path)  # another process was quicker: its secret is the secret
        scratch.unlink()
    _require_private(path)
    return path.read_bytes()


def _require_private(path: Path) -> None:
    if not is_private(path):
        raise ConfigError("secrets", str(path), "others may read it: chmod 600 and renew what is in it", "secrets")
