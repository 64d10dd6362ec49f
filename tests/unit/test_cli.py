"""The command line as a process."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.cli import main
from app.commands.caller import caller
from app.commands.rejections import harmless

PROJECT = Path(__file__).parents[2]

# What is registered first runs last: after everything that the command itself leaves for the end.
PROGRAM = """
import atexit, gc, sys
atexit.register(lambda: sys.stdout.write(f"set aside: {gc.get_freeze_count()} of {len(gc.get_objects())} left\\n"))
from app.cli import main
from app.commands.caller import caller
from app.commands.rejections import harmless
sys.exit(main(["check-config"]))
"""


def test_a_command_that_ends_leaves_its_memory_to_the_system_without_looking_through_it() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=PROJECT, capture_output=True, text=True, check=True)
    words = done.stdout.splitlines()[-1].split()
    frozen, left = int(words[2]), int(words[4])
    assert frozen > 100 * left


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder of a fresh clone, which is not there yet; no server is named."""
    monkeypatch.setenv("ANDAMAN_CONFIG", str(PROJECT / "config.example.toml"))
    monkeypatch.setenv("ANDAMAN_DATA_DIR", str(tmp_path / "data"))
    for name in ("ANDAMAN_DATABASE_URL", "ANDAMAN_MQTT_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "data"


@pytest.mark.parametrize(
    "words",
    [
        "device proposals", "rejections", "receiver list", "user list", "city diff", "migrate", "broker-accounts",
        "publish cam-402-44 passage {}",
    ],
)  # fmt: skip
def test_a_command_before_the_first_start_says_to_start_and_makes_nothing(
    words: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words.split()) == 1
    assert "does not run: start it with `make run`" in capsys.readouterr().err
    assert not data.exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("broker-certificate --folder nowhere/tls", "--folder = 'nowhere/tls'"),
        ("broker-accounts --passwords nowhere/passwords --acl nowhere/acl", "nowhere/passwords"),
        ("token --role admin --minutes -1", "positive"),
        ("token --role admin --minutes nan", "positive"),
        (f"token --role admin --name {'a' * 65}", "1 to 64 characters"),
    ],
)
def test_words_that_cannot_be_are_explained_and_are_no_traceback(
    words: str, says: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words.split()) == 1
    said = capsys.readouterr()
    assert "command line: --" in said.err and says in said.err and not said.out


@pytest.mark.parametrize("action", ["feed", "list", "counts"])
def test_what_takes_all_rejections_refuses_to_be_given_one(
    action: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rejections", action, "0-4711-0"]) == 1
    assert "only bytes takes one" in capsys.readouterr().err


def test_whoever_has_no_name_on_this_machine_is_named_by_his_number(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 4_000_000)
    assert caller() == "uid-4000000@cli"


def test_what_a_device_sent_commands_no_terminal() -> None:
    said = '{\n"t": "ภูเก็ต\x1b[2J\r\x9b\u202e"\n}'
    assert harmless(said) == '{\n"t": "ภูเก็ต?[2J???"\n}'
