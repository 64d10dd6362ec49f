"""The anchor of `bench.ingest` as a process of its own, flooded in the same way."""

import json
import subprocess
import sys
import time

from app import accounts
from bench.sides.whole_path import PROJECT, Flooded, WholePath


def stock_paho(path: WholePath, messages: int) -> Flooded:
    """Flood a stock subscriber with messages of one reading."""
    url = path.url(accounts.RECORDER)
    command = [sys.executable, "-m", "bench.sides.stock_paho", url, str(messages)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as subscriber:
        assert subscriber.stdout is not None
        assert subscriber.stdout.readline() == "ready\n", "the stock subscriber did not start"
        with path.publisher(messages, 1) as publisher:
            before, began_s = path.cpu_s(), time.monotonic()
            publisher.go()
            said = json.loads(subscriber.stdout.readline())
            seconds, after = time.monotonic() - began_s, path.cpu_s()
            publisher.result()
    cpu_us = {"stock": said["cpu_s"] / messages * 1e6}
    cpu_us["broker"] = (after["broker"] - before["broker"]) / messages * 1e6
    return Flooded(messages, seconds, cpu_us)
