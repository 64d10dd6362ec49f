"""Commands that speak MQTT as the field does: publish one message, record the stream, play it back."""

import argparse
import sys
from pathlib import Path

import msgspec

from app import accounts, logs, wiring
from app.settings import Settings
from app.stopping import stop_event
from contracts import asyncapi as native_format
from contracts.clock import to_iso
from contracts.errors import ConfigError
from contracts.topics import Kind, Topic
from simulators.publish import publish_one
from simulators.recording import Progress
from simulators.recording import record as record_stream
from simulators.recording import replay as replay_stream

NEEDS_TIME = (Kind.PASSAGE, Kind.SIGNAL)
"""Records of these kinds carry their own time; where the person gave none, it is now."""


def publish(settings: Settings, given: argparse.Namespace) -> None:
    """Publish one message of a device."""
    device, zone = given.device, given.zone or _zone(settings, given.device)
    kind = Kind(given.kind)
    text = sys.stdin.read() if given.record == "-" else given.record
    payload = text.encode() if given.raw else _payload(text, kind, given.boot, given.seq)
    password = _password(Path(given.password_file), device) if given.password_file else ""
    account = wiring.broker_account(settings, device, password)
    topic = Topic(settings.city, zone, device, kind)
    publish_one(account.url, account.username, account.password, str(topic), payload, ca=account.ca)
    sys.stderr.write(f"{topic}: {payload.decode(errors='replace')}\n")


def asyncapi(settings: Settings, given: argparse.Namespace) -> None:
    """Print what devices publish, for machines."""
    sys.stdout.write(native_format.encoded())


def record(settings: Settings, given: argparse.Namespace) -> None:
    """Record until Ctrl-C."""
    logs.set_up(settings.log_level)
    sys.stderr.write("recording; Ctrl-C ends it\n")
    rows = record_stream(
        wiring.broker_account(settings, accounts.RECORDER), Path(given.file), stop_event(), report=_say_rows
    )
    sys.stderr.write(f"\n{rows} messages in {given.file}\n")


def replay(settings: Settings, given: argparse.Namespace) -> None:
    """Play a recording."""
    logs.set_up(settings.log_level)
    speed = _speed(given.speed)
    account = wiring.broker_account(settings, accounts.REPLAYER)
    done = replay_stream(account, Path(given.file), stop_event(), speed=speed, city=given.city, progress=_say_progress)
    left = f"; {done.left_out} left out (marks, retained messages)" if done.left_out else ""
    sys.stderr.write(f"\n{done.published} of {done.total} messages published{left}\n")


def _password(file: Path, device: str) -> str:
    """The one in a file: alone, or as `andaman device` printed it, behind the device's name."""
    try:
        said = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError("--password-file", str(file), f"cannot be read: {problem}", "command line") from None
    password = said.removeprefix(f"{device}\t")
    if not password or not password.isprintable():
        what = "must hold one line: the password, or the device and its password as `andaman device` printed them"
        raise ConfigError("--password-file", str(file), what, "command line")
    return password


def _zone(settings: Settings, name: str) -> str:
    city = wiring.city_files(settings.cities / settings.city)
    for device in city.devices:
        if device.id == name:
            return device.zone
    some = ", ".join(device.id for device in city.devices[:3])
    raise ConfigError("device", name, f"not in the files of {city.id} ({some}, ...): give its --zone", "command line")


def _payload(text: str, kind: Kind, boot: int | None, seq: int | None) -> bytes:
    """The native envelope around what a person typed."""
    if (boot is None) != (seq is None):
        raise ConfigError("--boot, --seq", (boot, seq), "give both or neither", "command line")
    try:
        typed = msgspec.json.decode(text)
    except msgspec.DecodeError as problem:
        raise ConfigError("record", text, f"not JSON: {problem} (--raw sends it anyway)", "command line") from problem
    records = typed if isinstance(typed, list) else [typed]
    for each in records:
        if kind in NEEDS_TIME and isinstance(each, dict):
            each.setdefault("t", to_iso(wiring.clock_us()))
    number = {} if boot is None else {"boot": boot, "seq": seq}
    return msgspec.json.encode({**number, "records": records})


def _speed(text: str) -> float:
    try:
        speed = 0.0 if text == "max" else float(text)
    except ValueError:
        speed = -1.0
    if speed < 0 or (speed == 0 and text != "max"):
        raise ConfigError("--speed", text, "1 (as recorded), a number above 0 (times as fast) or max", "command line")
    return speed


def _say_rows(rows: int) -> None:
    sys.stderr.write(f"\r{rows} messages")


def _say_progress(progress: Progress) -> None:
    sys.stderr.write(f"\r{progress.published} of {progress.total} messages")
