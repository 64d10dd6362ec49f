"""A step of the set-up and its stamp: work whose inputs did not change is not done again, and needs no network."""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.setup.places import PROJECT, STAMPS
from app.setup.progress import announced, say


@dataclass(frozen=True)
class Step:
    """One piece of the set-up.

    `inputs` names the current inputs as a digest; the step is done when its stamp holds that digest (or that of
    `also_done_by`, a step that does more), every path of `results` exists and `is_there` agrees.
    """

    name: str
    text: str
    inputs: Callable[[], str]
    work: Callable[[Path], None]
    results: tuple[Path, ...] = ()
    also_done_by: tuple[Callable[[], str], ...] = ()
    is_there: Callable[[], bool] = lambda: True

    @property
    def stamp(self) -> Path:
        """The file that says with which inputs this step was last done."""
        return STAMPS / f"{self.name}.stamp"

    @property
    def log(self) -> Path:
        """Where the programs that this step runs write."""
        return STAMPS / f"{self.name}.log"

    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        try:
            stamped = self.stamp.read_text()
        except FileNotFoundError:
            return False
        if not all(path.exists() for path in self.results) or not self.is_there():
            return False
        return any(stamped == digest() for digest in (self.inputs, *self.also_done_by))

    def do(self) -> None:
        """Does the work and stamps it; an interruption leaves no stamp."""
        digest = self.inputs()
        self.stamp.unlink(missing_ok=True)
        self.log.unlink(missing_ok=True)
        with announced(self.text):
            self.work(self.log)
        scratch = self.stamp.with_suffix(f".{os.getpid()}")
        scratch.write_text(digest)
        scratch.replace(self.stamp)


def do_all(steps: Iterable[Step]) -> None:
    """Does what is left of `steps`, in order, while no other set-up of this project does."""
    ordered = list(steps)
    if all(step.is_done() for step in ordered):
        return
    STAMPS.mkdir(parents=True, exist_ok=True)
    with only_one(STAMPS / "lock"):
        for step in ordered:
            if not step.is_done():
                step.do()


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Waits until no other set-up holds `lock`, then holds it; the system releases it if we die."""
    with lock.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("  another set-up of this project is at work: waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def digest_of(*parts: str | Path, salt: str = "") -> str:
    """A digest over words and over the contents of files and folders (names count, times do not)."""
    digest = hashlib.sha256(salt.encode())
    for part in parts:
        if isinstance(part, str):
            digest.update(b"\0word\0" + part.encode())
        else:
            for path in sorted(_files_under(part)):
                digest.update(b"\0file\0" + str(path.relative_to(PROJECT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _files_under(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif path.is_dir():
        for folder, subfolders, names in os.walk(path):
            subfolders[:] = [name for name in subfolders if name not in _NOT_INPUTS]
            yield from (Path(folder) / name for name in names if not name.endswith((".pyc", ".tsbuildinfo")))


_NOT_INPUTS = frozenset({"node_modules", "dist", "__pycache__", "coverage", "test-results", ".vite"})
