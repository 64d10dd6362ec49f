"""The services' folders: owned by the account that they run as, closed to everybody else, one user at a time."""

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
    folder.mkdir(mode=0o700, exist_ok=True)
    give_to_service(folder)
    folder.chmod(0o700)
    return folder


def give_to_service(path: Path) -> None:
    """Hands a file or folder to the account that the services run as."""
    if os.geteuid() == 0:
        os.chown(path, service_uid(), service_gid(), follow_symlinks=False)


def write_for_service(path: Path, text: str) -> None:
    """Replaces a file that only the services' account (and root) may read, in one step."""
    scratch = path.with_name(path.name + ".new")
    scratch.unlink(missing_ok=True)
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    give_to_service(scratch)
    scratch.replace(path)


def socket_folder(data: Path) -> Path:
    """A private folder for a Unix socket: in the data folder, or in /tmp where that path is too long for a socket."""
    folder = data / "socket"
    if len(os.fsencode(folder)) > SOCKET_PATH_BYTES_MAX:
        digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:10]
        folder = Path("/tmp") / f"andaman-{service_uid()}-{digest}"
        if folder.is_symlink() or (folder.exists() and folder.stat().st_uid != service_uid()):
            raise ConfigError("data folder", str(data), f"{folder} belongs to somebody else: remove it", "sockets")
    return service_folder(folder)


def hold(lock: Path, what: str) -> TextIO:
    """Takes the lock that says this service runs; the system releases it when we die."""
    handle = lock.open("a")
    os.set_inheritable(handle.fileno(), False)
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
