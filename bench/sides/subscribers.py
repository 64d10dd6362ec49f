"""The anchors of `bench.ingest` as processes of their own, flooded in the same way."""

import json
import subprocess
import sys
import time
from typing import Literal

from app import accounts
from bench.sides.whole_path import PROJECT, Flooded, WholePath


def subscriber(path: WholePath, kind: Literal["stock_paho", "bulk_subscriber"], messages: int) -> Flooded:
    """Flood that subscriber of `bench.sides` with messages of one reading."""
    url = path.url(accounts.RECORDER)
    command = [sys.executable, "-m", f"bench.sides.{kind}", url, str(path.ca or ""), str(messages)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n", f"{kind} did not start"
        with path.publisher(messages, 1) as publisher:
            before, began_s = path.cpu_s(), time.monotonic()
            publisher.go()
            said = json.loads(child.stdout.readline())
            seconds, after = time.monotonic() - began_s, path.cpu_s()
            confirmed = publisher.result()
    cpu_us: dict[str, float] = {kind: said["cpu_s"] / messages * 1e6}
    cpu_us["broker"] = (after["broker"] - before["broker"]) / messages * 1e6
    cpu_us["publisher"] = confirmed["cpu_s"] / confirmed["messages"] * 1e6
    return Flooded(messages, seconds, cpu_us)
