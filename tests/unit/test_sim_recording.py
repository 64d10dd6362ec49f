"""A recording can be read back as it was heard, also after an interrupt."""

from pathlib import Path
from threading import Event

import pyarrow.parquet as pq
import pytest

from contracts.errors import ConfigError
from simulators.publish import Account, Heard
from simulators.recording import FLUSH_ROWS, SCHEMA, Recording, replay

TOPIC = "andaman/v1/phuket/patong/cam-1/passage"


def test_a_recording_holds_what_was_heard(tmp_path: Path) -> None:
    path = tmp_path / "heard.parquet"
    with Recording(path) as recording:
        recording.add(Heard(TOPIC, b"\x00\xff not text", 1, False), 17)
        recording.add(Heard(TOPIC, b"", 0, True), 18)
    assert pq.read_table(path).to_pylist() == [
        {"topic": TOPIC, "payload": b"\x00\xff not text", "received_us": 17, "qos": 1, "retained": False},
        {"topic": TOPIC, "payload": b"", "received_us": 18, "qos": 0, "retained": True},
    ]


def test_a_recording_is_its_owners_alone_also_over_an_open_file(tmp_path: Path) -> None:
    path = tmp_path / "heard.parquet"
    path.write_bytes(b"older")
    path.chmod(0o644)
    with Recording(path):
        assert path.stat().st_mode & 0o777 == 0o600
    assert pq.read_table(path).num_rows == 0


def test_a_recording_is_whole_after_an_interrupt(tmp_path: Path) -> None:
    path = tmp_path / "heard.parquet"
    with pytest.raises(KeyboardInterrupt), Recording(path) as recording:
        for number in range(FLUSH_ROWS + 10):
            recording.add(Heard(TOPIC, b"{}", 1, False), number)
        raise KeyboardInterrupt
    table = pq.read_table(path)
    assert table.column("received_us").to_pylist() == list(range(FLUSH_ROWS + 10))
    assert pq.ParquetFile(path).num_row_groups == 2


def test_an_empty_recording_is_a_recording(tmp_path: Path) -> None:
    with Recording(tmp_path / "none.parquet"):
        pass
    assert pq.read_table(tmp_path / "none.parquet").schema.names == SCHEMA.names


@pytest.mark.parametrize("content", [b"", b"PAR1 and nothing else"])
def test_what_is_no_recording_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "wrong.parquet"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="recording"):
        replay(Account("mqtt://127.0.0.1:1"), path, Event())


def test_a_speed_below_zero_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="speed"):
        replay(Account("mqtt://127.0.0.1:1"), tmp_path / "none.parquet", Event(), speed=-1.0)


@pytest.mark.parametrize("url", ["http://x", "127.0.0.1:1883", "mqtt://"])
def test_an_address_that_is_none_is_named(url: str) -> None:
    with pytest.raises(ConfigError, match="url"):
        Account(url)
