"""What people write: accounts, sign-ins, the audit log, what they do about alarms. And who of them may stop a job.

`add_user` and its kin serve the command line; the rest is `contracts.ports.Desk` and `contracts.ports.Jobs`.
"""

import hashlib
import re
import secrets
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from contracts.answers import Account, AuditEntry, Handling, JobItem, Role, Session
from contracts.errors import ConfigError
from storage.connection import Connection
from storage.passwords import hashed, is_outdated, matches
from storage.pool import Pool
from storage.queries import statements

PEOPLE: Final = statements("desk_people")
JOBS: Final = statements("desk_jobs")
ALARMS: Final = statements("desk_alarms")
SECRET_BYTES: Final = 32
"""256 bits from the system's random source: nobody guesses a session."""
JOB_ID_MAX: Final = 2**63 - 1
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


class DatabaseDesk:
    """Implements `contracts.ports.Desk` and `contracts.ports.Jobs`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    # -- accounts -----------------------------------------------------------------------------------------------

    def add_user(self, name: str, role: Role | str, password: str) -> Account:
        """Make an account.

        Raises:
            ConfigError: the name is taken or not allowed, the role or the password is not.
        """
        if not _NAME.fullmatch(name):
            raise ConfigError("name", name, "1 to 64 letters, digits, dots, dashes, underscores or @", "user")
        account = Account(name, _role(role))
        row = self._change("add_user", name, role=account.role.value, password_hash=_hashed(password))
        if row is None:
            raise ConfigError("name", name, "there is such a user already", "user")
        return account

    def set_password(self, name: str, password: str) -> None:
        """Give an account another password and end its sessions.

        Raises:
            ConfigError: no such account, or the password is too short.
        """
        self._change_existing("set_password", name, password_hash=_hashed(password))

    def set_role(self, name: str, role: Role | str) -> None:
        """Give an account another role and end its sessions.

        Raises:
            ConfigError: no such account or role.
        """
        self._change_existing("set_role", name, role=_role(role).value)

    def set_disabled(self, name: str, disabled: bool) -> None:
        """Take away or give back the right to sign in, and end the account's sessions.

        Raises:
            ConfigError: no such account.
        """
        self._change_existing("set_disabled", name, disabled=disabled)

    def users(self) -> tuple[Account, ...]:
        """Every account."""
        with self._pool.connection("reading users") as connection:
            rows = connection.execute(PEOPLE["users"]).fetchall()
        return tuple(Account(name, Role(role), disabled) for name, role, disabled in rows)

    def check_password(self, name: str, password: str) -> Account | None:
        """The account that name and password open; equally slow for a name that nobody has."""
        with self._pool.connection("signing in") as connection:
            row = connection.execute(PEOPLE["user"], {"name": name}).fetchone()
        # The connection is back in the pool while the hash is computed.
        kept = row[2] if row else None
        if not matches(kept, password) or row is None or row[3]:
            return None
        if is_outdated(row[2]):
            again = {"name": name, "before": row[2], "password_hash": hashed(password)}
            with self._pool.connection("hashing a password anew") as connection:
                connection.execute(PEOPLE["rehash"], again)
        return Account(row[0], Role(row[1]))

    # -- sessions -----------------------------------------------------------------------------------------------

    def open_session(self, account: Account, lifetime_s: float) -> str:
        """Start a session; the secret is in nobody's hands but the browser's."""
        secret = secrets.token_urlsafe(SECRET_BYTES)
        opened = {"hash": _digest(secret), "name": account.name, "lifetime_s": lifetime_s}
        with self._pool.connection("opening a session") as connection:
            connection.execute(PEOPLE["drop_ended"])
            connection.execute(PEOPLE["open_session"], opened)
        return secret

    def session(self, secret: str) -> Session | None:
        """The session of a secret while it is good."""
        with self._pool.connection("checking a session") as connection:
            row = connection.execute(PEOPLE["session"], {"hash": _digest(secret)}).fetchone()
        return Session(row[0], Role(row[1]), row[2]) if row else None

    def close_session(self, secret: str) -> None:
        """Sign out."""
        with self._pool.connection("closing a session") as connection:
            connection.execute(PEOPLE["close_session"], {"hash": _digest(secret)})

    # -- audit --------------------------------------------------------------------------------------------------

    def audit(self, entry: AuditEntry) -> None:
        """Append to the audit log; committed when this returns."""
        with self._pool.connection("writing the audit log") as connection:
            write_audit(connection, entry)

    # -- alarms -------------------------------------------------------------------------------------------------

    def may_handle(self, name: str) -> bool:
        """Whether an account may handle alarms."""
        with self._pool.connection("looking for an account") as connection:
            row = connection.execute(ALARMS["handler"], {"name": name}).fetchone()
        return bool(row and row[0])

    def handle(self, alarm: UUID, handling: Handling, entry: AuditEntry) -> bool:
        """Note what somebody did about an alarm; it and its audit entry are committed together when this returns."""
        done = {
            "alarm": alarm,
            "made_by": entry.actor,
            "action": handling.action,
            "shelved_until": handling.shelved_until,
            "assigned_to": handling.assigned_to if handling.action == "assign" else None,
            "note": handling.note,
        }
        with self._pool.connection("handling an alarm") as connection, connection.transaction():
            if connection.execute(ALARMS["handle"], done).fetchone() is None:
                return False
            write_audit(connection, entry)
            connection.execute(ALARMS["tell"], {"alarm": alarm})
        return True

    # -- jobs ---------------------------------------------------------------------------------------------------

    def jobs(self, limit: int) -> tuple[JobItem, ...]:
        """Jobs, the newest first."""
        with self._pool.connection("reading jobs") as connection:
            return tuple(job_item(row) for row in connection.execute(JOBS["jobs"], {"limit": limit}))

    def ask(self, kind: str, args: Mapping[str, str | None], entry: AuditEntry) -> str:
        """Ask for a job; it and its audit entry are committed together when this returns."""
        wanted = {"kind": kind, "args": Jsonb(dict(args)), "made_by": entry.actor}
        with self._pool.connection("asking for a job") as connection, connection.transaction():
            (job,) = connection.execute(JOBS["ask"], wanted).fetchone() or (0,)
            write_audit(connection, entry)
        return str(job)

    def cancel(self, job: str, by: str) -> bool | None:
        """Ask a job to stop."""
        if not job.isdecimal() or int(job) > JOB_ID_MAX:
            return None
        asked = {"job": int(job)}
        with self._pool.connection("cancelling a job") as connection:
            if connection.execute(JOBS["cancel"], asked).fetchone():
                return True
            found = connection.execute(JOBS["exists"], asked).fetchone()
        return False if found and found[0] else None

    # -----------------------------------------------------------------------------------------------------------

    def _change(self, statement: str, name: str, **values: object) -> tuple[Any, ...] | None:
        with self._pool.connection(f"changing user {name}") as connection:
            row: tuple[Any, ...] | None = connection.execute(PEOPLE[statement], {"name": name, **values}).fetchone()
        return row

    def _change_existing(self, statement: str, name: str, **values: object) -> None:
        if self._change(statement, name, **values) is None:
            raise ConfigError("name", name, "there is no such user; `andaman user list` shows them", "user")


def job_item(row: tuple[Any, ...]) -> JobItem:
    """An item of a row of `desk_jobs.jobs`."""
    return JobItem(str(row[0]), *row[1:])


def write_audit(connection: Connection, entry: AuditEntry) -> None:
    """Append to the audit log, in the transaction of what it is about if there is one."""
    values = {
        "actor": entry.actor,
        "role": entry.role.value,
        "action": entry.action,
        "subject": entry.subject,
        "purpose": entry.purpose,
        "case_no": entry.case,
        "detail": Jsonb(entry.detail),
    }
    connection.execute(PEOPLE["audit"], values)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _role(role: Role | str) -> Role:
    try:
        return Role(role)
    except ValueError:
        raise ConfigError("role", role, f"one of {', '.join(Role)}", "user") from None


def _hashed(password: str) -> str:
    try:
        return hashed(password)
    except ValueError as problem:
        raise ConfigError("password", "...", str(problem), "user") from None
