"""The state of a shard out of its snapshot and its log, and what the log refers to by number."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable

from contracts.city import City
from contracts.errors import StorageError
from processing.engine import KEPT_VERSIONS, step
from processing.state import STATE_VERSION, State, from_fields
from storage.cities import Cities
from storage.log import Log
from storage.snapshots import Snapshots

LOG = logging.getLogger(__name__)
View = Callable[[City], City]


class Shelf:
    """The library of `step`: what a log refers to by number, fetched once and kept as long as it is used.

    Of versions of the city the ones used last, as many as the engine keeps laid out; of other shards' states, each as
    large as our own, the one asked for last: it is needed by one batch, or again where that one broke.
    """

    def __init__(
        self,
        city: str,
        cities: Cities,
        log: Log,
        snapshots: Snapshots,
        view: View | None = None,
        past_view: View | None = None,
    ) -> None:
        """`view`: how this shard sees a version, None: as it is. `past_view`: how a made past, which is told less often
        and has its own patience with devices, sees it; whoever folds a log that refers to one needs it."""
        self._city, self._store, self._log, self._snapshots = city, cities, log, snapshots
        self._view, self._past_view = view, past_view
        self._cities: OrderedDict[int, City] = OrderedDict()
        self._past: tuple[tuple[int, int], State] | None = None

    def city(self, version: int) -> City:
        """The city of a version.

        Raises:
            StorageError: the log names a version that the database does not have.
        """
        if version not in self._cities:
            city = self._store.version(self._city, version)
            if city is None:
                raise StorageError(f"the log names version {version} of {self._city}, which the database does not have")
            self._cities[version] = self._view(city) if self._view else city
            if len(self._cities) > KEPT_VERSIONS:
                self._cities.popitem(last=False)
        self._cities.move_to_end(version)
        return self._cities[version]

    def past(self, shard: int, n: int) -> State:
        """The state of another shard after its batch n."""
        if self._past is None or self._past[0] != (shard, n):
            assert self._past_view is not None, "whoever meets a made past knows how it sees a city"
            shelf = Shelf(self._city, self._store, self._log, self._snapshots, self._past_view)
            self._past = (shard, n), restore(shard, self._log, self._snapshots, shelf, until=n)
        return self._past[1]


def restore(
    shard: int,
    log: Log,
    snapshots: Snapshots,
    shelf: Shelf,
    until: int | None = None,
    progress: Callable[[int], None] = lambda n: None,
) -> State:
    """Load the newest snapshot and fold the log since, up to and with batch `until` (default: all there is).

    `progress` hears the number of each batch that was folded, and may raise to end it.
    """
    started_s = time.monotonic()
    state = State()
    held = snapshots.newest(shard, STATE_VERSION, until)
    if held is not None:
        try:
            state = from_fields(held[1])
        except KeyError as missing:
            LOG.warning("the snapshot of batch %d lacks %s: folding the whole log instead", held[0], missing)
    first = state.moments.n
    for batch in log.batches_after(shard, first, until):
        if batch.n != state.moments.n + 1:
            raise StorageError(f"shard {shard}: batch {state.moments.n + 1} is not in the log, {batch.n} follows")
        state, _ = step(state, batch, shelf)
        progress(batch.n)
    seconds = time.monotonic() - started_s
    LOG.info("shard %d: at batch %d, %d folded in %.2f s", shard, state.moments.n, state.moments.n - first, seconds)
    return state
