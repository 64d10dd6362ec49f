"""A few seconds of `bench.fuzz`, everything that it ever found, and that it would find what it is there for."""

import random
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from bench import fuzz
from bench.sides import way_in
from bench.sides.mutations import CHANGES, Message, publish
from bench.sides.way_in import Unaccounted
from contracts.delivery import REASONS
from contracts.errors import MessageRejected
from contracts.jit import warm_up
from ingest.decode import decode

CORPUS = fuzz.corpus()
KEPT = Path(__file__).parents[1] / "fixtures" / "fuzz"
MESSAGES = 10_000
OURS = {"conflict", "poison"}
"""Reasons that are given after decoding."""


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """A batch is watched: kernels that are compiled within the first one would be taken for what hangs."""
    warm_up()


def test_every_message_is_accounted_for() -> None:
    account, _ = fuzz.run(1, fuzz.batches(MESSAGES), fuzz.way_in(), CORPUS)
    assert account.made >= MESSAGES
    assert account.settled == account.cut >= account.made - account.behind
    assert account.rejected.keys() == REASONS.keys() - OURS
    assert min(account.accepted, account.broken, account.behind, account.state, account.passed_over, account.marks) > 0
    assert len(account.verdicts) == len(fuzz.VERDICTS)


def test_what_is_changed_is_what_devices_do_say() -> None:
    sent = [publish(Message(each.topic, each.payload, b"", 2), 1) for each in CORPUS]
    account = fuzz.way_in().take(b"".join(sent), [], len(sent), fuzz.NOW_US, whole=True)
    assert (account.accepted, account.marks, account.settled) == (len(sent) - 1, 1, len(sent))


def test_every_kind_of_change_changes_something() -> None:
    draw = random.Random(1)
    for name, change in CHANGES.items():
        changed = [change(each, each.payload, draw) != each.payload for each in CORPUS]
        assert sum(changed) > len(CORPUS) // 4, name


def test_a_batch_is_a_function_of_its_seed_and_number() -> None:
    assert fuzz.stream_of(3, 7, CORPUS) == fuzz.stream_of(3, 7, CORPUS)
    assert fuzz.stream_of(3, 7, CORPUS)[1] != fuzz.stream_of(4, 7, CORPUS)[1]


def replay(file: Path) -> None:
    account = fuzz.way_in().take(file.read_bytes(), [], 1, fuzz.NOW_US, whole=False)
    assert account.settled == account.cut > 0


@pytest.mark.parametrize("name", sorted(path.name for path in KEPT.glob("*.mqtt")))
def test_what_once_failed_and_what_is_hard_is_accounted_for(name: str) -> None:
    replay(KEPT / name)


def forgets_one(deliveries: Sequence[Any], *others: Any) -> Any:
    return decode(deliveries[:-1], *others)


def breaks(deliveries: Sequence[Any], *others: Any) -> Any:
    if any(b'"speed_kmh":null' in each.payload for each in deliveries):
        raise TypeError("the decoder broke")
    return decode(deliveries, *others)


def refuses_without_a_reason(deliveries: Sequence[Any], *others: Any) -> Any:
    raise MessageRejected("schema")


@pytest.mark.parametrize("fault", [forgets_one, breaks, refuses_without_a_reason])
def test_a_way_in_that_loses_a_message_or_breaks_is_found_and_what_broke_it_kept(
    fault: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(way_in, "decode", fault)
    monkeypatch.setattr(fuzz, "KEPT", tmp_path / "kept")
    with pytest.raises((Unaccounted, TypeError, MessageRejected)) as raised:
        fuzz.run(1, iter(range(1, 40)), fuzz.way_in(), CORPUS)
    again, kept = raised.value.__notes__
    assert again.startswith("python -m bench.fuzz --seed 1 --batch ")
    files = sorted((tmp_path / "kept").iterdir())
    assert 1 <= len(files) <= fuzz.MAX_KEPT and all(file.name in kept for file in files)
    for file in files:
        with pytest.raises((Unaccounted, TypeError, MessageRejected)):
            replay(file)


def test_a_batch_that_does_not_end_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def for_ever(*arguments: Any) -> Any:
        while True:
            pass

    previous = signal.signal(signal.SIGALRM, fuzz.hangs)
    monkeypatch.setattr(fuzz, "HANG_S", 0.05)
    monkeypatch.setattr(fuzz, "KEPT", tmp_path)
    monkeypatch.setattr(fuzz, "fails", lambda packet, into: False)
    monkeypatch.setattr(way_in, "decode", for_ever)
    try:
        with pytest.raises(fuzz.Hangs):
            fuzz.run(1, iter([1]), fuzz.way_in(), CORPUS)
    finally:
        signal.signal(signal.SIGALRM, previous)
    assert len(list(tmp_path.iterdir())) == 1
