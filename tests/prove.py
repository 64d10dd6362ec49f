"""`make prove [CLAIM=name]`: run the command behind one promise of docs/claims.md, or list them all.

A claim is a row of the table there: name, what is promised, the command that shows it. The command's exit status is the
verdict; its figures stand in its output.
"""

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
CLAIMS = PROJECT / "docs" / "claims.md"
_ROW = re.compile(r"^\| `(?P<name>[a-z0-9-]+)` \| (?P<promise>.+?) \| `(?P<command>[^`]+)` \|$")


@dataclass(frozen=True)
class Claim:
    """One promise and what shows it."""

    name: str
    promise: str
    command: str


def claims() -> dict[str, Claim]:
    """All claims by name, in the order of the document."""
    rows = (_ROW.match(line) for line in CLAIMS.read_text("utf-8").splitlines())
    return {row["name"]: Claim(row["name"], row["promise"], row["command"]) for row in rows if row}


def prove(claim: Claim) -> bool:
    """Run a claim's command with the project's own Python first in the path; whether it held."""
    _say(f"{claim.name}: {claim.promise}\n$ {claim.command}")
    started_s = time.monotonic()
    environment = {"PATH": f"{PROJECT / '.venv' / 'bin'}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    done = subprocess.run(claim.command, shell=True, cwd=PROJECT, env={**os.environ, **environment}, check=False)
    held = done.returncode == 0
    _say(f"{claim.name}: {'pass' if held else 'FAIL'} in {time.monotonic() - started_s:.0f} s")
    return held


def main(words: list[str]) -> int:
    """The command line: no word lists the claims, `all` runs every one, a name runs that one."""
    known = claims()
    if not words:
        width = max(map(len, known))
        _say("\n".join(f"{claim.name:{width}}  {claim.promise}" for claim in known.values()))
        return 0
    wanted = list(known) if words == ["all"] else words
    unknown = [name for name in wanted if name not in known]
    if unknown:
        _say(f"no claim named {unknown[0]}; `make prove` lists them")
        return 2
    verdicts = [prove(known[name]) for name in wanted]
    return 0 if all(verdicts) else 1


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
