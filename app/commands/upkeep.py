"""Commands for whoever looks after the machine."""

import argparse
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from pathlib import Path

from app import accounts, doctoring, logs, wiring
from app.services.broker import Broker
from app.services.child import ServiceFailed
from app.services.listeners import CA_FILE
from app.settings import SECRET, Settings, environment_name, keys, tables
from app.stopping import stop_event
from contracts.city import City
from contracts.errors import ConfigError
from contracts.jit import registered
from contracts.jit import warm_up as compile_all
from contracts.onboarding import KnownCredential
from storage.credentials import AccountSource
from storage.migrate import migrate as carry_out


def migrate(settings: Settings, given: argparse.Namespace) -> None:
    """Bring the schema up to date."""
    done = carry_out(wiring.database_dsn(settings, "owner"))
    sys.stderr.writelines(f"{line}\n" for line in done or ["nothing to do"])


def broker_accounts(settings: Settings, given: argparse.Namespace) -> None:
    """Write the files of the broker's accounts, once or for as long as they change."""
    if bool(given.passwords) != bool(given.acl):
        raise ConfigError("--passwords, --acl", "", "give both or neither", "command line")
    for file in (given.passwords, given.acl):
        if file and not Path(file).parent.is_dir():
            problem = "its folder is not there: make it where Mosquitto reads it"
            raise ConfigError("--passwords, --acl", file, problem, "command line")
    if given.follow:
        logs.set_up(settings.log_level)
        stop = stop_event()
        wiring.account_keeper(settings, partial(_apply, settings, given)).run(stop)
        return
    city = wiring.city_in_force(settings)
    with closing(AccountSource(wiring.database_dsn(settings, "worker"), settings.city)) as source:
        count = _apply(settings, given, city, source.credentials())
    where = given.passwords or "the embedded broker"
    sys.stderr.write(f"{count} accounts in {where}; passwords in {settings.data / accounts.ACCOUNTS_FILE}\n")


def _apply(
    settings: Settings, given: argparse.Namespace, city: City, credentials: Mapping[str, KnownCredential]
) -> int:
    """Put accounts into force; how many."""
    if not given.passwords:
        return accounts.give_accounts(Broker(settings.data), settings.data, city, credentials)
    files = Path(given.passwords), Path(given.acl)
    count = accounts.write_files(settings.data, city, *files, credentials)
    if given.pid:
        send_hangup(given.pid)
    return count


def send_hangup(pid: str) -> None:
    """Have a Mosquitto read its files anew; one that does not run does so when it starts."""
    try:
        number = int(pid) if pid.isdecimal() else int(Path(pid).read_text("utf-8"))
        os.kill(number, signal.SIGHUP)
    except (OSError, ValueError) as problem:
        raise ServiceFailed(f"the broker of {pid} was not told to read its accounts anew: {problem}") from None


def broker_certificate(settings: Settings, given: argparse.Namespace) -> None:
    """Write the certificates of a broker that is not the embedded one."""
    from app.services.certificate_files import hand_over

    folder = Path(given.folder)
    if not folder.is_dir():
        raise ConfigError("--folder", given.folder, "is no folder: make it where Mosquitto reads it", "command line")
    settings.data.mkdir(parents=True, exist_ok=True)
    what = "new" if hand_over(settings.data, settings.broker, folder) else "the same"
    sys.stderr.write(f"{what} certificates in {given.folder}; devices are given {settings.data / CA_FILE}\n")


def warm_up(settings: Settings, given: argparse.Namespace) -> None:
    """Compile every kernel."""
    import processing.engine  # registers the kernels as it is imported

    count = compile_all()
    sys.stderr.write(f"{count} of {len(registered())} kernels ready ({processing.engine.__name__})\n")


def check_config(settings: Settings, given: argparse.Namespace) -> None:
    """Show every setting, and read the city's files."""
    usual = Settings()
    for table in tables():
        values, defaults = (getattr(each, table) if table else each for each in (settings, usual))
        for key in keys(table):
            value, default = _shown(key, getattr(values, key)), _shown(key, getattr(defaults, key))
            changed = f"  (default: {default})" if value != default else ""
            sys.stdout.write(f"{environment_name(table, key):44} {value}{changed}\n")
    sys.stdout.write(f"data in {settings.data}\n")
    city = wiring.city_files(settings.cities / settings.city)
    sys.stdout.write(
        f"{city.id}: {len(city.devices)} devices, {len(city.limits)} limits, {len(city.rules)} rules: well\n"
    )


def _shown(key: str, value: object) -> str:
    if key in SECRET and value:
        return "(set, not shown)"
    if isinstance(value, Path):
        return repr("" if value == Path("") else str(value))
    return repr(value) if isinstance(value, str) else str(value).lower()


def doctor(settings: Settings, given: argparse.Namespace) -> int:
    """Look at everything; exit status 1 where somebody is needed."""
    findings = doctoring.look(settings, given.questions)
    for finding in findings:
        sys.stdout.write(f"{'well ' if finding.well else 'LOOK '} {finding.what}: {finding.says}\n")
    return 0 if all(finding.well for finding in findings) else 1
