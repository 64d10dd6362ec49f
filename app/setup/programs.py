"""The real programs: TimescaleDB and Mosquitto to run, chromium to test. Brought once, shared by run and test.

A host whose own PostgreSQL has TimescaleDB keeps using it.
"""

import hashlib
import json
import os
import subprocess
from pathlib import Path

from app.setup import debian
from app.setup.places import PROGRAMS_FILE, STAMPS, state_folder
from app.setup.progress import SetupError
from app.setup.unpack import foreign_libraries, unpack

LAYOUT = "1"  # raise it when the way of unpacking changes: everything is unpacked afresh, from the cache
HOST_POSTGRES = Path("/usr/lib/postgresql")  # where Debian and PostgreSQL's own packages put the server
POSTGRES_OLDEST = 15  # the oldest with the builtin functions and grants that our schema uses
DATABASE_PACKAGES: tuple[tuple[str, ...], ...] = (("postgresql-18-timescaledb",), ("postgresql-17-timescaledb",))
BROKER_PACKAGES = ("mosquitto",)
BROWSER_PACKAGES = (("chromium", "fonts-dejavu-core", "fonts-tlwg-loma-ttf"), ("chromium", "fonts-tlwg-loma-otf"))
# Needed to install, to manage or to compile for, not to run: scripts' languages, the JIT's compiler, account tools.
LEAVE_OUT = (
    r"perl.*|lib.*-perl|libperl.*|libllvm.*|libz3-.*|locales.*|libc-l10n|libc-bin|debconf.*|adduser|passwd|procps|"
    r"openssl.*|postgresql-common.*|login.*|sensible-utils|ucf|lsb-base|ssl-cert|netbase|libdb5.*|libgdbm.*|"
    r"libsemanage.*|libsepol.*|libproc2.*|libpam-modules.*|libpam-runtime|readline-common|libncursesw6|"
    r"sysvinit-utils|media-types|dpkg|tar|init-system-helpers|base-passwd|coreutils|gcc-.*-base"
)
# Besides, for the browser: sound, printing and the drivers' compilers that a page without a screen never loads.
BROWSER_LEAVE_OUT = (
    LEAVE_OUT + r"|chromium-sandbox|systemd.*|udev|adwaita-.*|hicolor-.*|shared-mime-info|xdg-.*|x11-.*|dbus.*"
)


def bring_services(log: Path) -> None:
    """Finds or unpacks the database and the broker and writes down where they are."""
    needs_database = not os.environ.get("ANDAMAN_DATABASE_URL")
    needs_broker = not os.environ.get("ANDAMAN_MQTT_URL")
    found = _host_database() if needs_database else {}
    missing_database = needs_database and not found
    broker = BROKER_PACKAGES if needs_broker else ()
    wish = tuple((*database, *broker) for database in DATABASE_PACKAGES) if missing_database else (broker,)
    if any(wish):
        folder = _unpacked("services", debian.bring(wish, LEAVE_OUT, log), log)
        if missing_database:
            servers = sorted(folder.glob("usr/lib/postgresql/*/bin/postgres"))
            found |= _proven("postgres", folder, servers, ["--version"], log)
        if needs_broker:
            found |= _proven("mosquitto", folder, sorted(folder.glob("usr/sbin/mosquitto")), ["-h"], log)
    _remember(found)


def bring_browser(log: Path) -> None:
    """Unpacks chromium with a Latin and a Thai font, for the browser tests."""
    closure = debian.bring(BROWSER_PACKAGES, BROWSER_LEAVE_OUT, log)
    folder = _unpacked("browser", closure, log)
    fonts = folder / "etc" / "fonts" / "andaman.conf"
    fonts.parent.mkdir(parents=True, exist_ok=True)
    fonts.write_text(FONT_SETTINGS.format(folder=folder))
    found = _proven("chromium", folder, sorted(folder.glob("usr/lib/chromium/chromium")), ["--version"], log)
    _remember(found | {"fonts": str(fonts)})


FONT_SETTINGS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{folder}/usr/share/fonts</dir>
  <cachedir>/tmp/andaman-fontconfig</cachedir>
  <alias><family>sans-serif</family><prefer><family>DejaVu Sans</family><family>Loma</family></prefer></alias>
</fontconfig>
"""


def known_programs() -> dict[str, str]:
    """Where the programs are, by name; empty before the set-up."""
    try:
        found: dict[str, str] = json.loads(PROGRAMS_FILE.read_text())
    except (OSError, ValueError):
        return {}
    return {name: path for name, path in found.items() if Path(path).exists()}


def services_are_there() -> bool:
    """Whether what `bring_services` found is still in its place."""
    known = known_programs()
    wanted = [("postgres", "ANDAMAN_DATABASE_URL"), ("mosquitto", "ANDAMAN_MQTT_URL")]
    return all(name in known or os.environ.get(variable) for name, variable in wanted)


def _remember(found: dict[str, str]) -> None:
    STAMPS.mkdir(parents=True, exist_ok=True)
    scratch = PROGRAMS_FILE.with_suffix(f".{os.getpid()}")
    scratch.write_text(json.dumps(known_programs() | found, indent=2) + "\n")
    scratch.replace(PROGRAMS_FILE)


def _unpacked(name: str, closure: debian.Closure, log: Path) -> Path:
    """The folder with the unpacked closure; its name holds what it was made from, so that old ones are never reused."""
    base = state_folder() / "programs"
    digest = hashlib.sha256(f"{LAYOUT} {closure.digest()} {base}".encode()).hexdigest()[:8]
    folder = base / f"{name}-{closure.suite}-{digest}"
    if not folder.exists():
        unpack(closure.files(), folder, log)
    return folder


def _proven(name: str, folder: Path, programs: list[Path], arguments: list[str], log: Path) -> dict[str, str]:
    """Starts the program once: a library that we left out shows here and not at the first start of the city."""
    if not programs:
        raise SetupError(f"the packages hold no program {name}", "report this with the log", log)
    program = programs[-1]
    done = subprocess.run([program, *arguments], capture_output=True, text=True)
    said = done.stdout + done.stderr
    foreign = foreign_libraries(program, folder)
    if foreign or not any(word in said for word in ("version", "PostgreSQL", "Chromium")):
        with log.open("a") as sink:
            sink.write("\n".join([said, *foreign, ""]))
        raise SetupError(f"the unpacked {name} does not start from its own libraries", "report this with the log", log)
    return {name: str(program)}


def _host_database() -> dict[str, str]:
    for folder in sorted(HOST_POSTGRES.glob("*"), reverse=True):
        new_enough = folder.name.isdigit() and int(folder.name) >= POSTGRES_OLDEST
        if new_enough and (folder / "lib/timescaledb.so").exists() and (folder / "bin/postgres").exists():
            return {"postgres": str(folder / "bin/postgres")}
    return {}
