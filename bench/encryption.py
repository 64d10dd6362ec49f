"""What encryption costs the pipeline and its broker, in CPU microseconds a message: a session that was filled while its
owner was away is drained over TLS, and over plain MQTT as the anchor.

    python -m bench.encryption [--bound]
"""

import json
import os
import socket
import ssl
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from app.accounts import with_account
from app.services.broker import Broker
from app.services.listeners import CA_FILE, BrokerSettings
from bench.sides.bounds import holds
from contracts.jit import warm_up
from ingest.connection import Broker as BrokerAddress
from ingest.mqtt import Intake

MESSAGES: Final = 40_000
BLOCK: Final = 2_000
RUNS: Final = 3
MOST_TIMES: Final = 2.0
"""Encryption may cost the client this many times what plain reading does: 1.3 were measured. A broker makes a record of
every message: with a read of the system for each it was three, with a turn of the loop for each thirty."""
ACCOUNTS: Final = {"intake": "in", "field": "out"}
ACCESS: Final = ("user intake", "topic readwrite bench/#", "user field", "topic readwrite bench/#")
TOPIC: Final = "bench/zone/device/readings"
PAYLOAD: Final = b'{"boot":1,"seq":12345,"records":[{"t":"2026-11-22T10:00:00+07:00","metric":"pm2_5","value":12.5}]}'
TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure, print the table, then the figures as JSON; with `--bound`, whether it holds."""
    warm_up()
    plain, encrypted = _drained_us(None), _drained_us(BrokerSettings())
    say = sys.stdout.write
    say(f"{'CPU us a message':18}{'plain':>8}{'TLS':>8}{'times':>8}\n")
    for name, one, other in zip(("client", "broker"), plain, encrypted, strict=True):
        say(f"{name:18}{one:8.1f}{other:8.1f}{other / one:8.2f}\n")
    times = encrypted[0] / plain[0]
    say(json.dumps({"plain_us": plain, "tls_us": encrypted, "client_times": round(times, 2)}) + "\n")
    if "--bound" in sys.argv:
        sys.exit(not holds("client over TLS against plain", round(times, 2), at_most=MOST_TIMES))


def _drained_us(settings: BrokerSettings | None) -> tuple[float, float]:
    """CPU of client and broker for a message, the least of some runs."""
    with tempfile.TemporaryDirectory(prefix="andaman-bench-") as folder:
        Path(folder).chmod(0o755)
        broker = Broker(Path(folder), settings=settings)
        broker.start()
        try:
            broker.set_accounts(ACCOUNTS, ACCESS)
            ca = Path(folder) / CA_FILE if settings is not None else None
            runs = [_run(broker, ca) for _ in range(RUNS)]
            return min(client for client, _ in runs), min(served for _, served in runs)
        finally:
            broker.stop()


def _run(broker: Broker, ca: Path | None) -> tuple[float, float]:
    url = with_account(broker.url, "intake", ACCOUNTS["intake"])
    _drain(url, ca, 0)
    _fill(broker.url, ca)
    ours_s, theirs_s = time.process_time(), _cpu_s(broker)
    _drain(url, ca, MESSAGES)
    spent = time.process_time() - ours_s, _cpu_s(broker) - theirs_s
    return round(spent[0] / MESSAGES * 1e6, 1), round(spent[1] / MESSAGES * 1e6, 1)


def _cpu_s(broker: Broker) -> float:
    words = Path(f"/proc/{broker.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / TICKS_A_SECOND


def _drain(url: str, ca: Path | None, left: int) -> None:
    """Take and acknowledge so many messages of the session; none makes the session."""
    intake = Intake(url, "bench", ["bench/#"], lambda state: None, lambda: time.time_ns() // 1_000, ca=ca)
    intake.open()
    while left > 0:
        taken = intake.take(4_096, 10.0)
        assert len(taken), f"{left} messages did not come"
        intake.acknowledge(taken.tokens)
        left -= len(taken)
    intake.close()


def _fill(url: str, ca: Path | None) -> None:
    """Publish at QoS 1, a block at a time, over a bare connection (MQTT 3.1.1, OASIS Standard, section 3)."""
    where = BrokerAddress.of(url)
    with socket.create_connection((where.host, where.port)) as bare:
        connected = bare
        if ca is not None:
            connected = ssl.create_default_context(cafile=ca).wrap_socket(bare, server_hostname=where.host)
        with connected:
            greeting = _text("MQTT") + b"\x04\xc2\x00\x3c" + _text("fill") + _text("field") + _text("out")
            connected.sendall(b"\x10" + bytes([len(greeting)]) + greeting)
            assert connected.recv(4) == b"\x20\x02\x00\x00"
            for first in range(0, MESSAGES, BLOCK):
                connected.sendall(b"".join(_packet(number) for number in range(first, first + BLOCK)))
                answered = 0
                while answered < BLOCK * 4:
                    answered += len(connected.recv(65_536))


def _packet(number: int) -> bytes:
    body = _text(TOPIC) + (number % 60_000 + 1).to_bytes(2, "big") + PAYLOAD
    return b"\x32" + bytes([len(body) & 127 | 128, len(body) >> 7]) + body


def _text(text: str) -> bytes:
    return len(text).to_bytes(2, "big") + text.encode()


if __name__ == "__main__":
    main()
