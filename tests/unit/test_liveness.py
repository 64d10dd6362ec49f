"""Waiting for a city that was just started: as long as its processes live, and not a moment longer."""

import sys
from pathlib import Path

import pytest

from app.liveness import await_live
from app.services.child import ServiceFailed
from app.services.command import Command
from app.settings import load

NOBODY = {"ANDAMAN_DATABASE_URL": "host=127.0.0.1 port=1 dbname=andaman"}
"""Port 1 refuses at once, as what is not up yet does."""


def test_a_process_that_ended_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    words = [sys.executable, "-c", "import sys; print('no such city', flush=True); sys.exit(3)"]
    pipeline = Command("pipeline", words, tmp_path / "pipeline.log")
    pipeline.start()
    with pytest.raises(ServiceFailed, match=r"(?s)pipeline ended with status 3 .*no such city"):
        await_live(load(NOBODY, file=None), "http://127.0.0.1:1", {"pipeline": pipeline})


def test_whoever_waits_is_told_what_for_and_where_to_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.liveness.STILL_S", 0.1)
    api = Command("api", [sys.executable, "-c", "import time; time.sleep(600)"], tmp_path / "api.log")
    api.start()
    told: list[str] = []

    def tell(text: str) -> None:
        told.append(text)
        if len(told) == 2:
            api.stop()

    with pytest.raises(ServiceFailed):
        await_live(load(NOBODY, file=None), "http://127.0.0.1:1", {"api": api}, tell)
    assert told == [f"  waiting for the api; what it does stands in {tmp_path}/api.log"] * 2
