"""What a person sees while the set-up works: a line a step with its seconds, and the tail of a failed step's log."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

LOG_TAIL_LINES = 15  # enough to hold the error of pip, apt and npm, and still fits a terminal


class SetupError(Exception):
    """A step of the set-up failed: what failed, and what to do about it."""

    def __init__(self, what: str, advice: str, log: Path | None = None) -> None:
        super().__init__(what)
        self.what, self.advice, self.log = what, advice, log

    def explain(self) -> str:
        """The text for the terminal: problem, tail of the log, advice."""
        lines = ["", f"andaman: {self.what}"]
        if self.log is not None and self.log.exists():
            tail = self.log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
            lines += [f"    | {line[:200]}" for line in tail] + [f"  the whole log: {self.log}"]
        return "\n".join([*lines, f"  what to do: {self.advice}", ""])


def say(text: str) -> None:
    """Writes one line for the person at the terminal."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


@contextmanager
def announced(text: str) -> Iterator[None]:
    """Shows what is being done, and how long it took once it is done."""
    on_terminal = sys.stderr.isatty()
    if on_terminal:
        sys.stderr.write(f"  {text} ...")
        sys.stderr.flush()
    begin_s = time.monotonic()
    try:
        yield
    except BaseException:
        if on_terminal:
            sys.stderr.write("\n")
        raise
    done = f"  {text:<58} {time.monotonic() - begin_s:6.1f} s"
    say(f"\r{done}" if on_terminal else done)


def run_logged(
    command: Sequence[str | Path],
    log: Path,
    advice: str,
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> None:
    """Runs a command with everything that it prints in `log`; a failure becomes a SetupError with `advice`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    words = [str(word) for word in command]
    with log.open("ab") as sink:
        sink.write(("$ " + " ".join(words) + "\n").encode())
        sink.flush()
        try:
            done = subprocess.run(
                words, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT, env=environment, cwd=folder
            )
        except OSError as error:
            raise SetupError(f"{words[0]} could not be started: {error}", advice, log) from error
    if done.returncode != 0:
        raise SetupError(f"{Path(words[0]).name} ended with {done.returncode}", advice, log)
