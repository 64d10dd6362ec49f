"""Writes snapshots beside the commits, on a thread and connection of its own. One that fails: a longer recovery."""

import logging
import queue
import threading

from contracts.columns import Columns
from contracts.errors import StorageError, StorageUnavailable
from processing.state import STATE_VERSION
from storage.snapshots import Snapshots

LOG = logging.getLogger(__name__)

Fields = dict[str, Columns]


class Snapshotter:
    """Keeps states that were committed. While one is being written the next is left out: the one after will do."""

    def __init__(self, shard: int, snapshots: Snapshots) -> None:
        self._shard, self._snapshots = shard, snapshots
        self._queue: queue.Queue[tuple[int, Fields] | None] = queue.Queue(1)
        self._thread = threading.Thread(target=self._run, name="snapshot", daemon=True)
        self._thread.start()

    def offer(self, n: int, fields: Fields) -> None:
        """Keep the state after batch n, unless an earlier one is still being written."""
        try:
            self._queue.put_nowait((n, fields))
        except queue.Full:
            LOG.info("snapshot of batch %d left out: the one before is still being written", n)

    def close(self) -> None:
        """Write what was offered and end."""
        self._queue.put(None)
        self._thread.join()
        self._snapshots.close()

    def _run(self) -> None:
        while (offered := self._queue.get()) is not None:
            n, fields = offered
            try:
                self._snapshots.save(self._shard, n, STATE_VERSION, fields)
            except (StorageUnavailable, StorageError) as problem:
                LOG.warning("%s", problem)
            except Exception:  # a bug of ours must not end the thread that the next snapshot needs
                LOG.exception("the snapshot of batch %d was not written", n)
