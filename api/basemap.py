"""The basemap of a city: GeoJSON files from its folder, by a short list of names, kept compressed in memory."""

import gzip
import hashlib
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contracts.topics import is_part

NAMES: Final = ("outline", "districts", "subdistricts", "roads", "places", "context")
BYTES_MAX: Final = 32 * 1024 * 1024
"""Nobody's browser draws more; a larger file was put there by mistake."""
CITIES_MAX: Final = 32
"""Cities kept in memory."""


@dataclass(frozen=True, slots=True)
class Basemap:
    """A file, compressed, and the tag that says whether a browser has it already."""

    packed: bytes
    tag: str

    def content(self) -> bytes:
        """The file as it is, for the rare client that takes no gzip."""
        return gzip.decompress(self.packed)


class Basemaps:
    """Reads each file once, and again when it has changed."""

    def __init__(self, cities_dir: Path) -> None:
        self._cities_dir = cities_dir
        self._kept: dict[tuple[str, str], tuple[tuple[int, int], Basemap]] = {}
        self._lock = threading.Lock()

    def get(self, city: str, name: str) -> Basemap | None:
        """The basemap of that name, or None: only listed names of real city folders are ever opened."""
        if name not in NAMES or not is_part(city):
            return None
        path = self._cities_dir / city / "basemap" / f"{name}.geojson"
        try:
            found = path.stat()
        except OSError:
            return None
        if found.st_size > BYTES_MAX:
            return None
        state = (found.st_mtime_ns, found.st_size)
        with self._lock:
            kept = self._kept.get((city, name))
            if kept is None or kept[0] != state:
                if len(self._kept) >= CITIES_MAX * len(NAMES):
                    self._kept.clear()
                content = path.read_bytes()
                tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
                kept = (state, Basemap(gzip.compress(content, 6, mtime=0), tag))
                self._kept[(city, name)] = kept
            return kept[1]
