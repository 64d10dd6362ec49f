"""How long after its publication a value is on the live stream of the API, as a browser gets it."""

import http.client
import json
import threading
import time
from datetime import datetime

from app.services.ports import choose_port
from bench.sides.whole_path import PASSWORD, WholePath
from contracts.answers import Role
from storage.desk import DatabaseDesk
from storage.pool import Pool


def live_delays_ms(path: WholePath, messages: int, per_s: float) -> list[float]:
    """The delay of every value that the stream says while so many messages come at a rate, in ascending order."""
    pool = Pool(path.database.dsn("api"), "bench")
    DatabaseDesk(pool).add_user("bench", Role.OPERATOR, PASSWORD)
    pool.close()
    port = choose_port(8400)
    environment = {**path.environment, "ANDAMAN_DATABASE_URL": path.database.dsn("api"), "ANDAMAN_HTTP_PORT": str(port)}
    api = path.process(["-m", "app.cli", "api"], environment, "serving")
    stream = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    delays: list[float] = []
    try:
        path.flood(400, 1)  # a stream of a city that has never said anything begins late
        cookie = _signed_in(port)
        stream.request("GET", "/api/v1/live?kinds=values", headers={"Cookie": cookie})
        answer = stream.getresponse()
        assert answer.status == 200, answer.read()
        while not answer.readline().startswith(b"id: "):
            pass
        reader = threading.Thread(target=_follow, args=(answer, delays), daemon=True)
        reader.start()
        path.flood(messages, 1, per_s)
        time.sleep(1.0)  # the last values' way to the stream
    finally:
        api.terminate()
        api.communicate(timeout=30)
        stream.close()
    assert len(delays) > messages // 10, f"{len(delays)} values came"
    return sorted(delays)


def _follow(answer: http.client.HTTPResponse, delays: list[float]) -> None:
    try:
        while line := answer.readline():
            if line.startswith(b"data: "):
                now_s = time.time()
                said = json.loads(line[6:]).get("values", ())
                delays += [(now_s - datetime.fromisoformat(value["t"]).timestamp()) * 1_000 for value in said]
    except (OSError, ValueError, http.client.HTTPException):
        pass  # the server was told to stop


def _signed_in(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    body = json.dumps({"username": "bench", "password": PASSWORD})
    connection.request("POST", "/api/v1/session", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    cookie = answer.getheader("Set-Cookie") or ""
    connection.close()
    return cookie.partition(";")[0]
