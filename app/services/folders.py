"""The services' folders: owned by the account that they run as, closed to everybody else, one user at a time."""

import contextlib
import fcntl
import hashlib
import os
import stat
from pathlib import Path
from typing import TextIO

from app.setup.places import reachable, service_gid, service_uid, state_folder
from contracts.errors import ConfigError

SOCKET_PATH_BYTES_MAX = 90  # sun_path holds 107; PostgreSQL appends "/.s.PGSQL.65535"


def reachable_folder(folder: Path, key: str) -> Path:
    """Makes a data folder that the services' account can enter; ConfigError names one that it can."""
    folder.mkdir(parents=True, exist_ok=True)
    resolved = folder.resolve()
    if not reachable(resolved, service_uid()):
        hint = state_folder() / "data"
        raise ConfigError(key, str(folder), f"the servers run as an ordinary user, who cannot enter it: use {hint}")
    return resolved


def service_folder(folder: Path) -> Path:
    """Makes a folder that belongs to the services' account alone."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    try:
        # What stands there may have been put there by a service, or in /tmp by anybody: no link is followed.
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as problem:
        raise ConfigError("data folder", str(folder), f"is no folder of ours: {problem.strerror}", "services") from None
    try:
        if os.fstat(handle).st_uid not in (os.geteuid(), service_uid()):
            raise ConfigError("data folder", str(folder), "belongs to somebody else; if it is ours, chown it", "owner")
        give_to_service(handle)
        os.fchmod(handle, 0o700)
    finally:
        os.close(handle)
    return folder


def give_to_service(handle: int) -> None:
    """Hands an open file or folder to the account that the services run as. Never by its name: in a folder of theirs
    another file may have taken its place, and would be handed over by root."""
    if os.geteuid() == 0:
        os.fchown(handle, service_uid(), service_gid())


def replace_file(path: Path, text: str, mode: int = 0o600, *, for_service: bool = False) -> None:
    """Replaces a file in one step: whoever reads it finds all of the old one or all of the new one, whatever happens.

    `for_service`: it belongs to the services' account from then on.
    """
    scratch = path.with_name(f"{path.name}.new")
    scratch.unlink(missing_ok=True)
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as handle:
        handle.write(text)
        handle.flush()
        if for_service:
            give_to_service(handle.fileno())
        os.fchmod(handle.fileno(), mode)
        os.fsync(handle.fileno())
    scratch.replace(path)


def write_for_service(path: Path, text: str) -> None:
    """Replaces a file that only the services' account (and root) may read."""
    replace_file(path, text, for_service=True)


def socket_folder(data: Path) -> Path:
    """A private folder for a Unix socket: in the data folder, or in /tmp where that path is too long for a socket."""
    folder = data / "socket"
    if len(os.fsencode(folder)) > SOCKET_PATH_BYTES_MAX:
        digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:10]
        folder = Path("/tmp") / f"andaman-{service_uid()}-{digest}"
    return service_folder(folder)


def hold(lock: Path, what: str) -> TextIO:
    """Takes the lock that says this service runs; the system releases it when we die."""
    # Whoever may open a file, if only for reading, may lock it, and so keep the service from ever starting.
    handle = os.fdopen(os.open(lock, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600), "a")
    os.fchmod(handle.fileno(), 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        raise ConfigError(
            "data folder", str(lock.parent), f"{what} runs here already: stop it first", "start"
        ) from None
    return handle


def is_private(path: Path) -> bool:
    """Whether nobody but the owner may read `path`."""
    return not stat.S_IMODE(path.stat().st_mode) & 0o077
