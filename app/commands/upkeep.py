"""Commands for whoever looks after the machine."""

import argparse
import sys
from pathlib import Path

from app import accounts, doctoring, wiring
from app.settings import SECRET, Settings, environment_name, keys, tables
from contracts.jit import registered
from contracts.jit import warm_up as compile_all
from storage.migrate import migrate as carry_out


def migrate(settings: Settings, given: argparse.Namespace) -> None:
    """Bring the schema up to date."""
    done = carry_out(wiring.database_dsn(settings, "owner"))
    sys.stderr.writelines(f"{line}\n" for line in done or ["nothing to do"])


def broker_accounts(settings: Settings, given: argparse.Namespace) -> None:
    """Write the files of a broker that is not the embedded one."""
    city = wiring.city_in_force(settings)
    count = accounts.write_files(settings.data, city, Path(given.passwords), Path(given.acl))
    sys.stderr.write(f"{count} accounts in {given.passwords}; passwords in {settings.data / accounts.ACCOUNTS_FILE}\n")


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
