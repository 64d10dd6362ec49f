"""`andaman receiver`: the devices that post over HTTP, and their passwords."""

import argparse
import sys

from app import wiring
from app.commands.caller import caller
from app.receiving import Passwords, posting
from app.settings import Settings
from contracts.answers import AuditEntry, Role
from contracts.errors import ConfigError
from contracts.receiving import RECEIVER_ACCOUNT
from storage.desk import DatabaseDesk
from storage.pool import Pool


def receiver(settings: Settings, given: argparse.Namespace) -> None:
    """List the devices, or change the password of one."""
    known = {device.id: topic for device, topic in posting(wiring.city_in_force(settings))}
    passwords = Passwords(settings.data)
    if given.action == "list":
        for name, topic in known.items():
            state = "has a password" if passwords.get(name) else "may not post: it has no password"
            sys.stdout.write(f"{name}\t{topic}\t{state}\n")
        if not known:
            sys.stderr.write(
                f'no device of the city has `account = "{RECEIVER_ACCOUNT}"`; see docs/device-families.md\n'
            )
    elif given.action == "revoke":
        # Also of a device that has left the city: it may come back.
        _note(settings, "revoke_post_password", _named(given))
        passwords.revoke(_named(given))
        left = "" if given.device in known else "; no device of the city has this name and posts"
        sys.stderr.write(f"{given.device}: has no password to post with{left}\n")
    elif _named(given) not in known:
        problem = f'does not post over HTTP: enter `account = "{RECEIVER_ACCOUNT}"` in its adapter, and import the city'
        raise ConfigError("device", given.device, problem, "command line")
    else:
        _note(settings, "renew_post_password", given.device)
        sys.stdout.write(f"{given.device}\t{passwords.renew(given.device)}\n")


def _note(settings: Settings, action: str, device: str) -> None:
    """Into the audit log, before it is done."""
    pool = Pool(wiring.database_dsn(settings, "api"), "receiver")
    try:
        DatabaseDesk(pool).audit(AuditEntry(caller(), Role.ADMIN, action, device))
    finally:
        pool.close()


def _named(given: argparse.Namespace) -> str:
    if not given.device:
        raise ConfigError("device", None, f"andaman receiver {given.action} DEVICE", "command line")
    return str(given.device)
