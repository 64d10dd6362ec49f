"""`andaman device`: what unknown devices say, and how a device comes in and goes out."""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from app import wiring
from app.commands.caller import caller
from app.onboarding import DeviceOnboarding
from app.settings import Settings
from contracts.answers import Role
from contracts.errors import ConfigError
from contracts.onboarding import Adoption, By, Done, Proposal
from storage.pool import Pool

SHOWN_SERIES: Final = 4
"""Series in one line of the list; the API has all."""


def device(settings: Settings, given: argparse.Namespace) -> int:
    """List proposals, or decide about one device."""
    actions: dict[str, Callable[[DeviceOnboarding, argparse.Namespace], Done | None]] = {
        "adopt": lambda desk, words: desk.adopt(_adoption(words), _by()),
        "dismiss": lambda desk, words: desk.dismiss(words.device, _by()),
        "add": lambda desk, words: desk.add(_entry(words), _by()),
        "invite": lambda desk, words: desk.invite(words.device, _needed(words, "zone"), _by()),
        "rotate": lambda desk, words: desk.rotate(words.device, _by()),
        "revoke": lambda desk, words: desk.revoke(words.device, _by()),
        "remove": lambda desk, words: desk.remove(words.device, _by()),
    }
    with _desk(settings) as desk:
        if given.action == "proposals":
            proposals = desk.proposals(given.all)
            sys.stdout.writelines(f"{line}\n" for each in proposals for line in _lines(each))
            if not proposals:
                sys.stderr.write("no unknown device has spoken; `andaman device invite` lets one in\n")
            return 0
        if not given.device:
            raise ConfigError("device", None, f"andaman device {given.action} DEVICE", "command line")
        done = actions[given.action](desk, given)
    return 0 if done is None else _say(given.action, done)


@contextmanager
def _desk(settings: Settings) -> Iterator[DeviceOnboarding]:
    pool = Pool(wiring.database_dsn(settings, "api"), "device")
    try:
        yield wiring.onboarding(settings, pool)
    finally:
        pool.close()


def _by() -> By:
    return By(caller(), Role.ADMIN)


def _needed(given: argparse.Namespace, name: str) -> str:
    value = getattr(given, name)
    if not value:
        raise ConfigError(f"--{name}", None, f"{given.action} needs it", "command line")
    return str(value)


def _adoption(given: argparse.Namespace) -> Adoption:
    return Adoption(
        given.device, given.type, given.name_en, given.name_th, given.lon, given.lat, given.call_sign, given.feed
    )


def _entry(given: argparse.Namespace) -> dict[str, object]:
    """The entry that the words make."""
    name = given.name_en or given.device
    content = {
        "id": given.device,
        "type": _needed(given, "type"),
        "zone": _needed(given, "zone"),
        "lon": given.lon,
        "lat": given.lat,
        "name_en": name,
        "name_th": given.name_th or name,
        "call_sign": given.call_sign,
        "kinds": [*(given.kind or ["readings"]), "status"],
        "series": [_series(text) for text in given.series],
    }
    if given.lon is None or given.lat is None:
        raise ConfigError("--lon, --lat", (given.lon, given.lat), "add needs both", "command line")
    return content


def _series(text: str) -> dict[str, object]:
    """`pm2_5=60` or `flow-car:1=60`: metric, lane, seconds."""
    head, _, interval = text.partition("=")
    metric, _, lane = head.partition(":")
    try:
        return {"metric": metric, "lane": int(lane or "0"), "interval_s": float(interval)}
    except ValueError:
        raise ConfigError("--series", text, "write METRIC=SECONDS or METRIC:LANE=SECONDS", "command line") from None


def _lines(proposal: Proposal) -> Iterator[str]:
    hidden = "  (dismissed)" if proposal.dismissed_at else ""
    kind = proposal.type or "of unknown type"
    yield f"{proposal.device}\t{proposal.zone}\t{kind}\t{', '.join(proposal.kinds)}{hidden}"
    yield (
        f"\tseen since {proposal.first_seen:%Y-%m-%d %H:%M:%S}Z, last {proposal.last_seen:%Y-%m-%d %H:%M:%S}Z, "
        f"{proposal.refused} messages refused"
    )
    for each in proposal.series[:SHOWN_SERIES]:
        lane = f" lane {each.lane}" if each.lane else ""
        yield f"\t{each.metric}{lane} = {each.value:g} {each.unit}, every {each.interval_s:g} s"
    if len(proposal.series) > SHOWN_SERIES:
        yield f"\tand {len(proposal.series) - SHOWN_SERIES} more series"
    if proposal.unknown_metrics:
        yield f"\t{proposal.unknown_metrics} metrics that the city does not have"
    if proposal.lon is not None:
        yield f"\tsays that it stands at {proposal.lon:g}, {proposal.lat:g}"


def _say(action: str, done: Done) -> int:
    """What came of it; the password goes to standard output alone."""
    sys.stderr.write(f"{done.device}: {action} is done, version {done.version} of the city\n")
    if not done.in_force:
        sys.stderr.write("  the pipeline has not taken it yet; it will when it runs\n")
    if not done.at_broker:
        sys.stderr.write("  the broker has not taken it yet; does `andaman broker-accounts --follow` run?\n")
    if done.job is not None:
        sys.stderr.write(
            f"  job {done.job} feeds in what was refused; `andaman rejections list` shows what became of it\n"
        )
    if done.credential is not None:
        sys.stderr.write("  user name and password, shown this once:\n")
        sys.stdout.write(f"{done.credential.username}\t{done.credential.password}\n")
    return 0
