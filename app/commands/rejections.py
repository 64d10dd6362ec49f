"""Commands about what was not accepted: counted, one by one, its bytes, and feeding it in again.

Whoever may run commands here has the keys of the house; the audit log names them all the same.
"""

import argparse
import sys
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Final

from api.schemas import PURPOSE_CHARS_MIN
from app import wiring
from app.commands.caller import caller
from app.settings import Settings
from contracts.answers import AuditEntry, Role
from contracts.delivery import REASONS
from contracts.errors import ConfigError
from contracts.rejections import FEED_IN, RejectionItem, RejectionQuery, read_id
from contracts.wire import printable
from storage.desk import DatabaseDesk
from storage.pool import Pool
from storage.reader import DatabaseReader

LIMIT_MAX: Final = 10_000
"""More lines than a person reads, and few enough for one answer."""


def rejections(settings: Settings, given: argparse.Namespace) -> None:
    """Show rejections, or have them fed in again."""
    if given.reason is not None and given.reason not in REASONS:
        raise ConfigError("--reason", given.reason, f"no such reason; one of {', '.join(REASONS)}", "command line")
    if not 1 <= given.limit <= LIMIT_MAX:
        raise ConfigError("--limit", given.limit, f"1 to {LIMIT_MAX}", "command line")
    if given.rejection and given.action != "bytes":
        problem = f"only bytes takes one; {given.action} takes all, or those of --reason and --device"
        raise ConfigError("rejection", given.rejection, problem, "command line")
    actions: dict[str, Callable[[DatabaseReader, DatabaseDesk, argparse.Namespace], None]] = {
        "counts": _counts,
        "list": _list,
        "bytes": _bytes,
        "feed": _feed,
    }
    with closing(Pool(wiring.database_dsn(settings, "api"), "rejections")) as pool:
        actions[given.action](DatabaseReader(pool, wiring.vault(settings)), DatabaseDesk(pool), given)


def _counts(reader: DatabaseReader, desk: DatabaseDesk, given: argparse.Namespace) -> None:
    page = reader.rejection_counts(_query(given))
    _table(
        ("REASON", "DEVICE", "COUNT", "FIRST", "LAST", "ACCEPTED", "AGAIN", "UNREADABLE", "WAITING"),
        (
            (each.reason, each.device or "-", each.count, f"{each.first_at:%Y-%m-%d %H:%M:%S}Z",
             f"{each.last_at:%Y-%m-%d %H:%M:%S}Z", each.accepted, each.rejected, each.unreadable, each.waiting)
            for each in page.items
        ),
    )  # fmt: skip


def _list(reader: DatabaseReader, desk: DatabaseDesk, given: argparse.Namespace) -> None:
    page = reader.rejections(_query(given))
    _table(
        ("ID", "RECEIVED", "REASON", "DEVICE", "COUNT", "BYTES", "BECAME", "TOPIC", "DETAIL"),
        (
            (each.id, f"{each.received_at:%Y-%m-%d %H:%M:%S}Z", each.reason, each.device or "-", each.count,
             each.bytes, _became(each), harmless(each.topic), each.detail)
            for each in page.items
        ),
    )  # fmt: skip


def _became(item: RejectionItem) -> str:
    if item.fate is None:
        return "-"
    return f"{item.fate.outcome}: {item.fate.reason}" if item.fate.reason else item.fate.outcome


def _bytes(reader: DatabaseReader, desk: DatabaseDesk, given: argparse.Namespace) -> None:
    """Audited first, opened after."""
    rejection, purpose = read_id(given.rejection), given.purpose.strip()
    if len(purpose) < PURPOSE_CHARS_MIN:
        problem = f"say in at least {PURPOSE_CHARS_MIN} characters what the bytes are needed for; it is audited"
        raise ConfigError("--purpose", purpose, problem, "command line")
    desk.audit(AuditEntry(caller(), Role.ADMIN, "reveal_rejection", given.rejection, purpose))
    found = reader.rejection_bytes(rejection)
    if found is None:
        problem = "there is none; `andaman rejections list` shows them"
        raise ConfigError("rejection", given.rejection, problem, "command line")
    cut = "; only the beginning was kept" if found.cut else ""
    sys.stderr.write(f"{harmless(found.topic)} ({found.encoding}{cut})\n")
    sys.stdout.write(f"{harmless(found.payload) if sys.stdout.isatty() else found.payload}\n")


def harmless(text: str) -> str:
    """What a device sent, as a terminal may show it: nothing in it moves the cursor or writes over a line."""
    return "\n".join(printable(line, len(line)) for line in text.split("\n"))


def _feed(reader: DatabaseReader, desk: DatabaseDesk, given: argparse.Namespace) -> None:
    wanted = {key: value for key in ("reason", "device") if (value := getattr(given, key)) is not None}
    entry = AuditEntry(caller(), Role.ADMIN, "feed_in_rejections", "", detail=dict(wanted))
    job = desk.ask(FEED_IN, wanted, entry)
    sys.stderr.write(f"job {job} feeds them in; `andaman rejections list` shows what became of each\n")


def _query(given: argparse.Namespace) -> RejectionQuery:
    return RejectionQuery(given.limit, given.reason, given.device)


def _table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    """Columns as wide as their widest; the last one as it is."""
    lines = [head, *(tuple(map(str, row)) for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(head) - 1)]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, [*widths, 0], strict=True)]
        sys.stdout.write("  ".join(cells).rstrip() + "\n")
