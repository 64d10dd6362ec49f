"""What a newcomer gets, from nothing: a fresh clone with an empty cache, `make run`, live values, Ctrl-C, and again.

`python -m tests.fresh_clone` clones the committed state into a new folder and prints figures with their bounds. It
needs the network and some minutes, so it is a claim and no test.
"""

import http.cookiejar
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.prove import PROJECT

SET_UP_S = 240.0
LIVE_S = 60.0
WARM_S = 10.0
STOP_S = 60.0


@dataclass
class Report:
    """Figures beside their bounds, printed as they come."""

    held: bool = True

    def at_most(self, what: str, value: float, bound: float) -> None:
        holds = value <= bound
        self.held = self.held and holds
        sys.stdout.write(f"{'pass' if holds else 'FAIL'}  {what}: {value:.1f} (bound: at most {bound:g})\n")
        sys.stdout.flush()


class City:
    """One `make run`, up to its printed address."""

    def __init__(self, clone: Path, environment: dict[str, str], *arguments: str) -> None:
        self.started_s = time.monotonic()
        words = ["make", "run", *([f"ARGS={' '.join(arguments)}"] if arguments else [])]
        self._make = subprocess.Popen(words, cwd=clone, env=environment, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.PIPE, text=True)  # fmt: skip
        self.url = self._password = ""
        assert self._make.stderr is not None
        for line in self._make.stderr:
            sys.stdout.write(f"    {line}")
            if found := re.search(r"Andaman is live at (\S+)", line):
                self.url = found[1]
            if found := re.match(r"\s+operator\s+(\S+)", line):
                self._password = found[1]
            if "Stop: Ctrl-C" in line:
                break
        if not self.url:
            raise SystemExit(f"FAIL  make run ended with {self._make.wait()} and no address")
        self.printed_s = time.monotonic()

    def sign_in(self) -> urllib.request.OpenerDirector:
        """A browser of the operator's."""
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        browser = urllib.request.build_opener(cookies)
        account = json.dumps({"username": "operator", "password": self._password}).encode()
        browser.open(
            urllib.request.Request(f"{self.url}/api/v1/session", account, {"Content-Type": "application/json"})
        )
        return browser

    def await_everything(self) -> int:
        """Wait until every metric and record kind is live; returns how many they are."""
        browser = self.sign_in()
        devices = self._get(browser, "devices")["items"]
        wanted = {series["metric"] for device in devices for series in device["series"]}
        wanted |= {kind for device in devices for kind in device["kinds"]} - {"readings", "counts"}
        while True:
            latest = self._get(browser, "latest")
            heard = {value["metric"] for value in latest["values"]} | {record["kind"] for record in latest["records"]}
            if wanted <= heard:
                return len(wanted)
            if time.monotonic() - self.printed_s > LIVE_S:
                raise SystemExit(f"FAIL  not live {LIVE_S:g} s after the address: {sorted(wanted - heard)}")
            time.sleep(0.5)  # a program asks as a person looks

    def _get(self, browser: urllib.request.OpenerDirector, path: str) -> Any:
        with browser.open(f"{self.url}/api/v1/{path}") as answer:
            return json.load(answer)

    def stop(self, number: signal.Signals) -> float:
        """Seconds until everything has stopped."""
        asked_s = time.monotonic()
        self._make.send_signal(number)
        assert self._make.stderr is not None
        self._make.stderr.read()
        self._make.wait(STOP_S)
        return time.monotonic() - asked_s


def main() -> int:
    """The whole story, in a folder that is removed afterwards."""
    report = Report()
    with tempfile.TemporaryDirectory(prefix="andaman-fresh-", dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        clone = Path(folder) / "andaman"
        subprocess.run(["git", "clone", "-q", str(PROJECT), str(clone)], check=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ANDAMAN_")}
        environment = {**kept, "XDG_CACHE_HOME": f"{folder}/cache"}
        environment.pop("VIRTUAL_ENV", None)
        first = City(clone, environment)
        report.at_most(
            "seconds from make run in a fresh clone to the address", first.printed_s - first.started_s, SET_UP_S
        )
        count = first.await_everything()
        seconds = time.monotonic() - first.printed_s
        report.at_most(f"seconds until {count} metrics and kinds are live", seconds, LIVE_S)
        report.at_most("seconds to stop by SIGINT", first.stop(signal.SIGINT), STOP_S)
        again = City(clone, environment)
        again.await_everything()
        report.at_most("seconds from the second make run to live values", time.monotonic() - again.started_s, WARM_S)
        report.at_most("seconds to stop by SIGTERM", again.stop(signal.SIGTERM), STOP_S)
    return 0 if report.held else 1


if __name__ == "__main__":
    sys.exit(main())
