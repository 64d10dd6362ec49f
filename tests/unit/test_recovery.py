"""The fold of a log: it may be left after any batch."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

import pytest

from app.admitting import Admitting
from app.folding import Folding
from app.house import House
from app.left_out import LeftOut
from app.parts import Parts
from app.recovery import Shelf, restore
from app.settings import PipelineSettings
from app.telling import Telling
from contracts.city import City
from contracts.clock import SECOND_US
from contracts.columns import Batch
from contracts.errors import StorageUnavailable
from processing.engine import KEPT_VERSIONS
from storage.cities import Cities
from storage.log import Log
from storage.snapshots import Snapshots
from tests.fixtures.small_city import small_city


class _ThreeBatches(Log):
    def batches_after(self, shard: int, n: int, until: int | None = None) -> Iterator[Batch]:
        for n in (1, 2, 3):
            yield Batch(n, since_us=n * SECOND_US, now_us=(n + 1) * SECOND_US, config=1 if n == 1 else None)


class _None(Snapshots):
    def newest(self, shard: int, engine: str, until: int | None = None) -> None:
        return None


class _OneCity(Cities):
    def version(self, city: str, version: int) -> City:
        return small_city()


@dataclass(frozen=True)
class _ManyVersions(Cities):
    """Notes what it is asked for."""

    asked: list[int] = field(default_factory=list)

    def version(self, city: str, version: int) -> City:
        self.asked.append(version)
        return small_city()


class _Stopping(Exception):
    pass


def test_whoever_is_to_stop_waits_for_one_batch_of_the_log_and_not_for_all() -> None:
    log, snapshots, heard = _ThreeBatches(""), _None(""), []

    def stop_at_two(n: int) -> None:
        heard.append(n)
        if n == 2:
            raise _Stopping

    with pytest.raises(_Stopping):
        restore(0, log, snapshots, Shelf("phuket", _OneCity(""), log, snapshots), progress=stop_at_two)
    assert heard == [1, 2]


def test_a_log_of_any_number_of_versions_keeps_those_that_are_in_use() -> None:
    log, snapshots, cities = _ThreeBatches(""), _None(""), _ManyVersions("")
    shelf = Shelf("phuket", cities, log, snapshots)
    in_force = shelf.city(1)
    for version in range(2, 3 * KEPT_VERSIONS):
        shelf.city(version)
        assert shelf.city(1) is in_force
    assert cities.asked == [*range(1, 3 * KEPT_VERSIONS)]
    shelf.city(2)
    assert cities.asked[-1] == 2, "one that nobody used for long is not kept"


def test_a_stop_is_heard_while_a_log_is_folded_again() -> None:
    stop = threading.Event()

    class StoppedAtTwo(_ThreeBatches):
        def batches_after(self, shard: int, n: int, until: int | None = None) -> Iterator[Batch]:
            for batch in super().batches_after(shard, n, until):
                if batch.n == 2:
                    stop.set()
                yield batch

    log, snapshots = StoppedAtTwo(""), _None("")
    shelf = Shelf("phuket", _OneCity(""), log, snapshots)
    parts = cast(Parts, SimpleNamespace(log=log, snapshots=snapshots, shelf=shelf))
    admitting = cast(Admitting, None)
    folding = Folding(parts, PipelineSettings(), admitting, Telling(), House(), LeftOut())
    with pytest.raises(StorageUnavailable, match="up to batch 2"):
        folding.recover(stop)
