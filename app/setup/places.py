"""Where things lie: the project, its `var` folder, the user's cache, and the folder that the services can reach.

Nothing here depends on the working folder. `var/` can be deleted at any time: the cache brings the programs back
without a network, only the city's data would be lost.
"""

import hashlib
import os
import pwd
import stat
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
VAR = PROJECT / "var"
VENV = PROJECT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
STAMPS = VAR / "setup"
PROGRAMS_FILE = VAR / "programs.json"
SERVICE_ACCOUNT = "nobody"  # exists on every Debian; PostgreSQL refuses root and needs a name for its user id


def cache_folder() -> Path:
    """The downloads, kept for the next clone: `$XDG_CACHE_HOME/andaman`, else `~/.cache/andaman`."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "andaman"


def state_folder(project: Path = PROJECT) -> Path:
    """The folder for unpacked programs and for the services' data.

    It is `var/` in the project, except when root starts us inside a folder that only root may enter: then the
    services, which run as an ordinary account, get `/var/tmp/andaman-<hash of the project's path>`.
    """
    if os.geteuid() != 0 or reachable(project, service_uid()):
        return project / "var"
    digest = hashlib.sha256(str(project).encode()).hexdigest()[:10]
    folder = Path("/var/tmp") / f"andaman-{digest}"
    folder.mkdir(mode=0o755, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0:
        raise PermissionError(f"{folder} belongs to somebody else: remove it and start again")
    return folder


def service_uid() -> int:
    """The user id that the embedded servers run as: our own, or an ordinary account's when root starts us."""
    return pwd.getpwnam(SERVICE_ACCOUNT).pw_uid if os.geteuid() == 0 else os.geteuid()


def service_gid() -> int:
    """The group id that goes with `service_uid`."""
    return pwd.getpwnam(SERVICE_ACCOUNT).pw_gid if os.geteuid() == 0 else os.getegid()


def reachable(folder: Path, uid: int) -> bool:
    """Whether an account with no groups of ours may enter `folder` and everything above it."""
    resolved = folder.resolve()
    for step in (resolved, *resolved.parents):
        if not step.exists():
            continue
        found = step.stat()
        needed = stat.S_IXUSR if found.st_uid == uid else stat.S_IXOTH
        if not found.st_mode & needed:
            return False
    return True
