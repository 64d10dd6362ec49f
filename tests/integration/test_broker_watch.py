"""What the broker throws away because a queue is full is heard: by the count that Mosquitto publishes of itself."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app import accounts
from app.broker_watch import BrokerWatch
from app.services.broker import Broker
from app.services.broker_settings import BrokerLimits
from ingest.mqtt import Intake
from simulators.publish import Account, Heard, Line, connect

TOPIC = "andaman/v1/testville/wichit/air-01/readings"
PATIENCE_S = 30.0


@pytest.mark.slow
def test_what_a_full_queue_drops_is_counted(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker(run_folder / "drops", limits=BrokerLimits(queued_messages=5, sys_interval_s=1))
    broker.start()
    told = threading.Event()

    def hear(watch: BrokerWatch, heard: Heard, honest: Callable[..., Any] = BrokerWatch._heard) -> None:
        honest(watch, heard)
        if watch.dropped:
            told.set()

    monkeypatch.setattr(BrokerWatch, "_heard", hear)
    try:
        names = (accounts.PIPELINE, accounts.REPLAYER)
        broker.set_accounts(dict.fromkeys(names, "secret"), accounts.ACCESS)
        url = accounts.with_account(broker.url, accounts.PIPELINE, "secret")
        intake = Intake(url, "away", [TOPIC], lambda state: None, lambda: 0)
        intake.open()
        intake.close()
        watch = BrokerWatch(Account(broker.url, accounts.PIPELINE, "secret"), "watch")
        watch.start()
        line = Line(Account(broker.url, accounts.REPLAYER, "secret"), "full")
        connect(line, accounts.REPLAYER)
        for _ in range(12):
            line.publish(TOPIC, b"{}")
        until = threading.Timer(PATIENCE_S, told.set)
        until.start()
        while not told.is_set():
            line.pump(0.2)
        until.cancel()
        watch.close()
        line.close()
        assert watch.dropped > 0
    finally:
        broker.stop()
