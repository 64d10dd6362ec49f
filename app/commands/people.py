"""Commands about people: tokens and accounts."""

import argparse
import getpass
import sys

from api.tokens import issue
from app import wiring
from app.commands.caller import caller
from app.settings import Settings
from contracts.errors import ConfigError
from storage.desk import DatabaseDesk
from storage.pool import Pool


def token(settings: Settings, given: argparse.Namespace) -> None:
    """Print a bearer token."""
    name = given.name or caller()
    try:
        made = issue(wiring.token_secret(settings), name, given.role, given.minutes * 60)
    except ValueError as problem:
        raise ConfigError("--name, --minutes", (name, given.minutes), str(problem), "command line") from None
    sys.stdout.write(made + "\n")


def user(settings: Settings, given: argparse.Namespace) -> None:
    """Make, change or list accounts."""
    pool = Pool(wiring.database_dsn(settings, "api"), "user")
    desk = DatabaseDesk(pool)
    try:
        if given.action == "list":
            sys.stdout.writelines(f"{each.name}\t{each.role}\n" for each in desk.users())
            return
        if not given.name:
            raise ConfigError("name", None, f"andaman user {given.action} NAME", "command line")
        if given.action in ("add", "role") and not given.role:
            raise ConfigError("--role", None, "which role? operator, police, developer or admin", "command line")
        _change(desk, given)
    finally:
        pool.close()


def _change(desk: DatabaseDesk, given: argparse.Namespace) -> None:
    match given.action:
        case "add":
            desk.add_user(given.name, given.role, _password())
        case "password":
            desk.set_password(given.name, _password())
        case "role":
            desk.set_role(given.name, given.role)
        case "disable":
            desk.set_disabled(given.name, disabled=True)


def _password() -> str:
    return getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
