"""The command line: `andaman COMMAND ...`. Each command is one function in `app.commands`; this file only reads words.

Exit status: 0 done, 1 a failure that is explained, 2 wrong use, 3 fenced off by a newer pipeline.
"""

import argparse
import atexit
import gc
import importlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app import settings as app_settings
from contracts.errors import AndamanError, Fenced

DESCRIPTION: Final = """Andaman: the open data pipeline of a smart city's operations centre.

`make run` runs a whole city on this machine; the commands below are its parts, and tools beside it."""
EPILOG: Final = """Settings: defaults < config.toml < environment. Every option of config.example.toml is also an
environment variable: [pipeline] linger_ms is ANDAMAN_PIPELINE_LINGER_MS. ANDAMAN_CONFIG names another file,
ANDAMAN_DATABASE_URL and ANDAMAN_MQTT_URL name servers that exist already; `andaman check-config` shows the result."""
FENCED: Final = 3

Arguments = Callable[[argparse.ArgumentParser], None]


@dataclass(frozen=True, slots=True)
class Command:
    """One command: `function` is its name in `app.commands` (module:function)."""

    name: str
    help: str
    details: str
    function: str
    arguments: Arguments = lambda parser: None


def _option(*names: str, **options: Any) -> Arguments:
    def add(parser: argparse.ArgumentParser) -> None:
        parser.add_argument(*names, **options)

    return add


def _all(*each: Arguments) -> Arguments:
    def add(parser: argparse.ArgumentParser) -> None:
        for one in each:
            one(parser)

    return add


_HISTORY = _option(
    "--no-history",
    action="store_true",
    help="do not make a past on the first start (8 days, simulated, in the background)",
)
_NO_SIMULATORS = _option("--no-simulators", action="store_true", help="real devices only")
_CITY = _option(
    "--city", default="", help="publish under another city's name, so that it does not mix with what is live"
)
_SPEED = _option("--speed", default="1", metavar="N", help="1 (as recorded), N (times as fast) or max; default 1")

COMMANDS: Final = (
    Command(
        "up",
        "run a whole city: servers, pipeline, jobs, API, page, simulators",
        "Runs in the foreground until Ctrl-C, SIGINT or SIGTERM, which stop all of it. A second start goes on with the "
        "data of the first. Data, keys and logs lie in ANDAMAN_DATA_DIR.",
        "up:run",
        _all(_HISTORY, _NO_SIMULATORS),
    ),
    Command(
        "pipeline",
        "the pipeline of one shard: MQTT in, findings out",
        "Takes the shard (ANDAMAN_PIPELINE_SHARD) from whoever has it, recovers from snapshot and log, then listens. "
        "Exit status 3: a newer pipeline took the shard.",
        "services:pipeline",
    ),
    Command(
        "worker",
        "carries out jobs: retention, making a past, ...",
        "Jobs are kept in the database with leases: a worker that dies leaves its job to the next.",
        "services:worker",
    ),
    Command(
        "api",
        "the HTTP API and the operators' page",
        "Serves on ANDAMAN_HTTP_HOST:ANDAMAN_HTTP_PORT (0: 8000 unless taken).",
        "services:api",
    ),
    Command(
        "simulate",
        "the simulated devices of the city, on the system clock",
        "One MQTT client a device, each with its own credential; the truth beside what they say is written to the data "
        "folder. ANDAMAN_SIMULATOR_SEED makes another city of the same kind. ANDAMAN_PIPELINE_SPACE must be simulated, "
        "here and for the pipeline: they never speak to a city of real devices.",
        "services:simulate",
    ),
    Command(
        "publish",
        "publish one message as a device would",
        'Example: andaman publish cam-402-44 passage \'{"lane": 1, "class": "car", "direction": "backward", '
        '"speed_kmh": 131}\'. A passage or signal without a time gets the present one. Without --boot and --seq the '
        "message has no number, and is told apart by its content.",
        "field:publish",
        _all(
            _option("device", help="a device of the city, such as cam-402-44"),
            _option("kind", choices=["counts", "passage", "readings", "signal", "status"]),
            _option(
                "record", help="one record as a JSON object, or a JSON array of them; - reads it from standard input"
            ),
            _option("--boot", type=int, help="the device's count of its starts (with --seq)"),
            _option("--seq", type=int, help="the number of the message in this boot"),
            _option("--raw", action="store_true", help="publish RECORD as it is, legal or not"),
            _option("--zone", help="below this one; needed for a device that is not in the city's files"),
            _option(
                "--password-file",
                default="",
                metavar="FILE",
                help="holds its own password, as `andaman device` printed it",
            ),
        ),
    ),
    Command(
        "token",
        "print a short-lived bearer token and nothing else",
        'Example: curl -H "Authorization: Bearer $(andaman token --role operator)" http://127.0.0.1:8000/api/v1/devices',
        "people:token",
        _all(
            _option("--role", required=True, choices=["operator", "police", "developer", "admin"]),
            _option("--name", default="", help="who asks, for the audit log; default: the user of this machine"),
            _option("--minutes", type=float, default=15.0, help="how long it lives; default 15"),
        ),
    ),
    Command(
        "record",
        "record the MQTT stream into a Parquet file",
        "Everything below andaman/v1 until Ctrl-C; the file is readable afterwards. It holds plates "
        "as devices send them: keep it as you keep the keys.",
        "field:record",
        _option("file", help="the recording, such as morning.parquet"),
    ),
    Command(
        "replay",
        "publish a recording again",
        "At the speed it was recorded (1), N times as fast, or as fast as it goes (max).",
        "field:replay",
        _all(_option("file", help="a recording made by `andaman record`"), _SPEED, _CITY),
    ),
    Command(
        "score",
        "compare what was found with what was planted, by kind",
        "Without TRUTH it makes a day in memory with every offence and every fault, folds it and compares; nothing "
        "else runs for it. Example: andaman score --day 2026-11-18 --errors realistic. With TRUTH, a file that "
        "`andaman simulate` wrote, it compares with --database or with --findings. Exit status 1 where a kind is below "
        "the bounds, or a case is held against somebody that must not be.",
        "score:score",
        _all(
            _option("truth", nargs="?", default="", help="a truth file; without it a day is made"),
            _option("--database", action="store_true", help="with TRUTH: findings of the settings' database"),
            _option("--findings", default="", metavar="FILE", help="with TRUTH: findings that --save wrote"),
            _option("--day", default="2026-11-18", help="local day, or day and time, at which it begins"),
            _option("--hours", type=float, default=24.0, help="how long it is; default 24"),
            _option("--warm-hours", type=float, default=24.0, help="how long is listened before it; default 24"),
            _option("--seed", type=int, default=7, help="another seed is another day; default 7"),
            _option("--devices", type=int, default=0, metavar="N", help="only so many cameras, and the stations"),
            _option("--errors", choices=["none", "realistic"], default="none", help="of readers, clocks and network"),
            _option("--precision", type=float, default=0.99, help="least precision of a kind; default 0.99"),
            _option("--recall", type=float, default=0.97, help="least recall of a kind; default 0.97"),
            _option("--list", type=int, default=3, metavar="N", help="misses and inventions named a kind; default 3"),
            _option("--save", default="", metavar="FOLDER", help="keep truth.jsonl and findings.json there"),
        ),
    ),
    Command(
        "rejections",
        "what was not accepted from the field, and feeding it in again after a fix",
        "counts (the default) by reason and device; list the single ones, the latest first; bytes of one, for a stated "
        "purpose that is written to the audit log; feed, as a job: what fits is published again under its topic, and "
        "the list shows what became of it. Example: andaman rejections feed --reason unknown_device --device air-17",
        "rejections:rejections",
        _all(
            _option("action", nargs="?", default="counts", choices=["counts", "list", "bytes", "feed"]),
            _option("rejection", nargs="?", default="", help="bytes: the rejection, as list names it"),
            _option("--reason", help="only this reason, such as unknown_device"),
            _option("--device", help="only this device, also one that the city does not know"),
            _option("--limit", type=int, default=50, metavar="N", help="so many lines at most; default 50"),
            _option("--purpose", default="", help="bytes: what they are needed for"),
        ),
    ),
    Command(
        "user",
        "accounts of people: add, password, role, disable, list",
        "Passwords are read from the terminal, or from standard input where that is no terminal.",
        "people:user",
        _all(
            _option("action", choices=["add", "password", "role", "disable", "list"]),
            _option("name", nargs="?", help="the account's name"),
            _option("--role", choices=["operator", "police", "developer", "admin"]),
        ),
    ),
    Command(
        "city",
        "move a city between its files and the database: import, export, diff",
        "import makes a new version if anything changed, in force within seconds; diff says what differs; export "
        "writes the version in force to standard output as JSON.",
        "city:city",
        _all(
            _option("action", choices=["import", "export", "diff"]),
            _option("folder", nargs="?", help="the city's files; default: cities/ANDAMAN_CITY"),
            _option("--if-missing", action="store_true", help="import: only where the database has no such city yet"),
        ),
    ),
    Command(
        "asyncapi",
        "print the native format as an AsyncAPI 3 document",
        "What devices publish and are told, for machines: docs/asyncapi.json, made from the code.",
        "field:asyncapi",
    ),
    Command(
        "device",
        "devices that come and go: proposals, adopt, dismiss, add, invite, rotate, revoke, remove",
        "proposals lists unknown devices that speak; adopt puts one into the city as it described itself, dismiss "
        "hides it until it says something new. add puts in one that has not spoken; invite makes the credential of one "
        "that is to describe itself; rotate makes another credential, revoke takes it away: both end its connection. "
        "remove takes one out of the city, with its credential; what it said stays. "
        "Nothing is started again for any of it. A password is shown once, on standard output. Example: andaman device "
        "add air-99 --type air --zone talat-yai --series pm2_5=60 --lon 98.39 --lat 7.88 --name-en 'Market'",
        "device:device",
        _all(
            _option("action", choices=["proposals", "adopt", "dismiss", "add", "invite", "rotate", "revoke", "remove"]),
            _option("device", nargs="?", help="the device's name, as in its topics"),
            _option("--all", action="store_true", help="proposals: dismissed ones, too"),
            _option("--zone", help="add, invite: below which zone it publishes"),
            _option("--type", choices=["camera", "air", "noise", "weather", "rain", "water"]),
            _option(
                "--series", action="append", default=[], metavar="METRIC[:LANE]=SECONDS", help="add: it fills this"
            ),
            _option(
                "--kind",
                action="append",
                choices=["counts", "passage", "readings", "signal"],
                help="add: it sends this; default: readings",
            ),
            _option("--lon", type=float, help="degrees east; adopt: unless it says so itself"),
            _option("--lat", type=float, help="degrees north"),
            _option("--name-en", help="its name in English"),
            _option("--name-th", help="and in Thai"),
            _option("--call-sign", default="", help="what people call it on the radio"),
            _option("--feed", action="store_true", help="adopt: feed in again what was refused of it, as a job"),
        ),
    ),
    Command("migrate", "bring the database to the newest schema", "Forward only; safe to run twice.", "upkeep:migrate"),
    Command(
        "broker-accounts",
        "write the broker's account files, once or whenever something changes",
        "One account for every device of the city in force and for each part of the house. Passwords are made once and "
        "kept in mqtt-accounts.json in the data folder; of a credential made by `andaman device` the database has the "
        "hash. With --follow it goes on: whatever changes is written, and Mosquitto gets a SIGHUP. Mosquitto must run "
        "as the same account as this command, or be given the files. Without files they are the embedded broker's.",
        "upkeep:broker_accounts",
        _all(
            _option("--passwords", default="", metavar="FILE", help="Mosquitto's password_file"),
            _option("--acl", default="", metavar="FILE", help="Mosquitto's acl_file"),
            _option("--follow", action="store_true", help="keep them up to date until told to stop"),
            _option(
                "--pid", default="", metavar="FILE", help="Mosquitto's pid_file, or its process id: gets the SIGHUP"
            ),
        ),
    ),
    Command(
        "broker-certificate",
        "write the certificates of a Mosquitto that is not the embedded one",
        "Of a CA that the first run makes in the data folder, or one's own ([broker] certificate and key). Ours hold "
        "397 days and are made anew 60 days before: run it once a month, and send Mosquitto a SIGHUP.",
        "upkeep:broker_certificate",
        _all(_option("--folder", required=True, help="where house.pem, house.key, field.pem and field.key go")),
    ),
    Command(
        "receiver",
        "devices that post over HTTP: list, password, revoke",
        "password makes a new one and prints it, once: the old one is worth nothing from then on. Posts go to "
        "/api/v1/receiver with HTTP digest or basic, the device's id and this password. See docs/device-families.md.",
        "receiver:receiver",
        _all(
            _option("action", choices=["list", "password", "revoke"]),
            _option("device", nargs="?", help="a device of the city whose adapter has the account andaman-receiver"),
        ),
    ),
    Command(
        "warm-up",
        "compile all kernels for this CPU",
        "Run once after set-up and in an image build; afterwards nothing compiles while data flows.",
        "upkeep:warm_up",
    ),
    Command(
        "check-config",
        "check settings and city files, and show the settings",
        "Prints every setting by its environment variable, with its default where it differs; secrets are not shown.",
        "upkeep:check_config",
    ),
    Command(
        "doctor",
        "look whether everything is well, and say what to do where it is not",
        "Asks servers, schema, keys, disk and the pipeline's last batch. Exit status 1 if anything needs you.",
        "upkeep:doctor",
        _option("questions", nargs="*", metavar="QUESTION", help="database, broker, pipeline, ...; default: all"),
    ),
)


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="andaman", description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        made = commands.add_parser(command.name, help=command.help, description=command.details, epilog=EPILOG)
        command.arguments(made)
        made.set_defaults(function=command.function)
    return top


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; what is wrong is explained in one line."""
    # What ends is not looked through for garbage first: with Numba's objects that takes half a second or more, for each
    # process of a city that stops.
    atexit.register(gc.freeze)
    given = parser().parse_args(words)
    module, _, name = given.function.partition(":")
    try:
        run = getattr(importlib.import_module(f"app.commands.{module}"), name)
        return int(run(app_settings.load(), given) or 0)
    except Fenced as problem:
        sys.stderr.write(f"andaman {given.command}: {problem}\n")
        return FENCED
    except AndamanError as problem:
        sys.stderr.write(f"andaman {given.command}: {problem}\n")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
