"""A private apt: Debian packages resolved, verified and downloaded without installing anything and without root.

It has its own state, lists and (empty) package status, so that the whole closure down to libc is resolved whatever
the machine has installed. The mirror, the proxy and the keyrings are the machine's own; no host is named here.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from app.setup.places import cache_folder
from app.setup.progress import SetupError

SUITES_IN_ORDER = ("bookworm", "trixie", "forky", "sid")  # releases from Debian 12 on; what one lacks a later one has
KEYRINGS = ("/usr/share/keyrings/debian-archive-keyring.pgp", "/usr/share/keyrings/debian-archive-keyring.gpg")
ELSEWHERE = (
    "on a system that is not Debian 12 or later use the container files: deploy/compose.yaml; or name servers that "
    "exist already in ANDAMAN_DATABASE_URL and ANDAMAN_MQTT_URL"
)
MIRROR_ADVICE = "check the network and the machine's own apt sources (`apt-get update` must work), then start again"


@dataclass(frozen=True)
class Package:
    """One file of the closure, as the signed index names it."""

    file: str
    size_bytes: int
    sha256: str
    name: str


@dataclass(frozen=True)
class Closure:
    """Packages of one suite with everything that they need."""

    suite: str
    packages: tuple[Package, ...]

    def files(self) -> list[Path]:
        """The downloaded packages."""
        return [_deb_folder(self.suite) / package.file for package in self.packages]

    def digest(self) -> str:
        """Names exactly this set of packages."""
        return hashlib.sha256("".join(package.sha256 for package in self.packages).encode()).hexdigest()[:12]


def bring(wish: tuple[tuple[str, ...], ...], leave_out: str, log: Path) -> Closure:
    """Downloads a set of packages and all they need from the first suite that has them; returns the closure.

    `wish` lists sets of packages, the preferred one first; `leave_out` is a regular expression of the packages that
    the programs run without. What an earlier call resolved and downloaded is taken from the user's cache.
    """
    release = require_debian()
    key = hashlib.sha256(repr((release, wish, leave_out)).encode()).hexdigest()[:16]
    remembered = cache_folder() / "apt" / f"closure-{key}.json"
    closure = _recall(remembered)
    if closure is None or _missing(closure):
        closure = _resolve_and_download(release, wish, re.compile(leave_out), log)
        remembered.write_text(json.dumps([closure.suite, [list(vars(p).values()) for p in closure.packages]]))
    return closure


def require_debian() -> str:
    """The code name of this Debian; anything else is an error that says where to go."""
    fields = {}
    try:
        for line in Path("/etc/os-release").read_text().splitlines():
            name, _, value = line.partition("=")
            fields[name] = value.strip().strip('"')
    except OSError:
        pass
    if fields.get("ID") != "debian" or not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        name = fields.get("PRETTY_NAME", "this system")
        raise SetupError(f"{name} is not Debian: the database and the broker cannot be brought", ELSEWHERE)
    return fields.get("VERSION_CODENAME", "sid")


def suites_from(release: str) -> tuple[str, ...]:
    """The machine's own suite first, then the later ones."""
    if release in SUITES_IN_ORDER:
        return SUITES_IN_ORDER[SUITES_IN_ORDER.index(release) :]
    return (release, "sid")


def machine_mirror(release: str) -> str:
    """The address of the mirror that this machine's own apt uses for `release`."""
    rows = _machine_apt(["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)"])
    found = [row.split() for row in rows.splitlines() if row.endswith(" main")]
    names = {release, "stable", "testing", "unstable", "sid"}
    for address, suite, _ in (row for row in found if len(row) == 3):
        if suite in names and not address.startswith("cdrom:"):
            return address
    raise SetupError(f"apt on this machine has no source for Debian {release} main", MIRROR_ADVICE)


def _resolve_and_download(
    release: str, wish: tuple[tuple[str, ...], ...], leave_out: re.Pattern[str], log: Path
) -> Closure:
    mirror = machine_mirror(release)
    for suite in suites_from(release):
        environment = _private_apt(suite, mirror)
        if not _run(["apt-get", "update"], environment, log):
            raise SetupError(f"the package index of Debian {suite} could not be read", MIRROR_ADVICE, log)
        for names in wish:
            closure = _closure(suite, names, leave_out, environment, log)
            if closure is not None:
                _download(closure, environment, log)
                return closure
    raise SetupError(f"no Debian suite has {' or '.join(names[0] for names in wish)}", ELSEWHERE, log)


def _closure(
    suite: str, names: tuple[str, ...], leave_out: re.Pattern[str], environment: dict[str, str], log: Path
) -> Closure | None:
    """What apt would install on an empty system, less what we leave out; None where the suite lacks a package."""
    simulated = subprocess.run(
        ["apt-get", "install", "--simulate", *names], env=environment, capture_output=True, text=True
    )
    if simulated.returncode != 0:
        with log.open("a") as sink:
            sink.write(simulated.stdout + simulated.stderr)
        return None
    chosen = [line.split()[1] for line in simulated.stdout.splitlines() if line.startswith("Inst ")]
    kept = [name for name in chosen if not leave_out.fullmatch(name)]
    listed = subprocess.run(
        ["apt-get", "download", "--print-uris", *kept], env=environment, capture_output=True, text=True, check=True
    )
    packages = []
    for line in listed.stdout.splitlines():
        _, file, size, proof = line.split()
        kind, _, digest = proof.partition(":")
        if kind != "SHA256":
            raise SetupError(f"the index of Debian {suite} names {file} without a SHA-256", MIRROR_ADVICE, log)
        packages.append(Package(file, int(size), digest, file.partition("_")[0]))
    return Closure(suite, tuple(packages))


def _download(closure: Closure, environment: dict[str, str], log: Path) -> None:
    """Fetches what is not in the cache yet; apt verifies each file against the signed index, and we do so again."""
    names = [package.name for package in _missing(closure)]
    if names:
        _run(["apt-get", "download", *names], environment, log, folder=_deb_folder(closure.suite))
    broken = [package.file for package in _missing(closure)]
    if broken:
        raise SetupError(f"{len(broken)} packages could not be downloaded, {broken[0]} first", MIRROR_ADVICE, log)


def _missing(closure: Closure) -> list[Package]:
    folder = _deb_folder(closure.suite)
    folder.mkdir(parents=True, exist_ok=True)
    return [package for package in closure.packages if not _is_whole(folder / package.file, package)]


def _is_whole(file: Path, package: Package) -> bool:
    if not file.exists() or file.stat().st_size != package.size_bytes:
        return False
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest() == package.sha256


def _recall(remembered: Path) -> Closure | None:
    try:
        suite, rows = json.loads(remembered.read_text())
        return Closure(suite, tuple(Package(*row) for row in rows))
    except (OSError, ValueError, TypeError):
        return None


def _deb_folder(suite: str) -> Path:
    return cache_folder() / "debs" / suite


def _private_apt(suite: str, mirror: str) -> dict[str, str]:
    """Writes an apt configuration of our own for one suite; returns the environment that selects it."""
    root = cache_folder() / "apt" / suite
    for part in ("state/lists/partial", "cache/archives/partial"):
        (root / part).mkdir(parents=True, exist_ok=True)
    (root / "status").write_text("")
    keyring = next((name for name in KEYRINGS if Path(name).exists()), None)
    option = f"[signed-by={keyring}] " if keyring else ""
    (root / "sources.list").write_text(f"deb {option}{mirror} {suite} main\n")
    architecture = _machine_apt(["dpkg", "--print-architecture"]).strip()
    settings = [
        *_transport_settings(),
        'Dir::Etc::Main "/dev/null";',
        'Dir::Etc::Parts "/dev/null";',
        'Dir::Etc::Preferences "/dev/null";',
        'Dir::Etc::PreferencesParts "/dev/null";',
        'Dir::Etc::SourceParts "/dev/null";',
        f'Dir::Etc::SourceList "{root}/sources.list";',
        f'Dir::State "{root}/state";',
        f'Dir::State::Status "{root}/status";',
        f'Dir::Cache "{root}/cache";',
        'Acquire::Languages "none";',
        'Acquire::Retries "3";',
        'APT::Install-Recommends "false";',
        f'APT::Architecture "{architecture}";',
        f'APT::Architectures {{ "{architecture}"; }};',
    ]
    if os.geteuid() == 0:
        settings.append('APT::Sandbox::User "root";')  # apt's own account cannot enter root's cache folder
    (root / "apt.conf").write_text("\n".join(settings) + "\n")
    return {**os.environ, "APT_CONFIG": str(root / "apt.conf"), "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}


def _transport_settings() -> list[str]:
    """How this machine reaches its mirror: proxy, certificates, time-outs."""
    rows = _machine_apt(["apt-config", "dump"]).splitlines()
    return [row for row in rows if re.match(r'Acquire::(https?|ForceIPv[46]|ftp)(::[\w-]+)* "', row)]


def _machine_apt(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    if done.returncode != 0:
        raise SetupError(f"`{' '.join(command[:2])}` failed: {done.stderr.strip()[:200]}", MIRROR_ADVICE)
    return done.stdout


def _run(command: list[str], environment: dict[str, str], log: Path, folder: Path | None = None) -> bool:
    """Runs apt with its output in the log; whether it succeeded."""
    with log.open("ab") as sink:
        done = subprocess.run(
            command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT
        )
    return done.returncode == 0
