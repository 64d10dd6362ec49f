"""The ledger of keys: which the vault had and when they were destroyed, so that it can be proved later."""

from typing import Final

from storage.connection import connect, translated
from storage.queries import statements
from storage.vault import Vault

SQL: Final = statements("ledger")


def note_keys(dsn: str, vault: Vault) -> int:
    """Note every key that the ledger does not know yet, and every one that is destroyed; returns how many changed."""
    changed = 0
    with connect(dsn, "ledger") as connection, translated("noting keys"):
        for entry in vault.entries():
            for kind in ("encrypt", "hash") if entry.kind == "day" else ("case",):
                values = {"kind": kind, "day": entry.day, "fingerprint": entry.fingerprint}
                statement = SQL["destroyed" if entry.destroyed else "created"]
                changed += connection.execute(statement, values).rowcount
    return changed


def destroy_days(dsn: str, vault: Vault, before_day: int) -> int:
    """Destroy the keys of every Thai day before this one, and note it; returns of how many days.

    From then on the plates of those days' vehicles that broke no rule are gone for good, from backups too.
    """
    note_keys(dsn, vault)  # a key that is destroyed before it was noted would leave no trace
    days = [entry.day for entry in vault.entries() if entry.kind == "day" and not entry.destroyed]
    destroyed = sum(vault.destroy(day) for day in days if day < before_day)
    note_keys(dsn, vault)
    return destroyed
