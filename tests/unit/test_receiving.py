"""The passwords of devices that post."""

import threading
from pathlib import Path

from app.receiving import Passwords


def test_a_password_that_is_taken_away_while_others_are_made_stays_away(tmp_path: Path) -> None:
    names = [f"cam-{n}" for n in range(16)]
    for name in names:
        Passwords(tmp_path).renew(name)
    revoked, renewed = names[::2], names[1::2]
    made: dict[str, str] = {}

    def renew(name: str) -> None:
        made[name] = Passwords(tmp_path).renew(name)

    threads = [threading.Thread(target=Passwords(tmp_path).revoke, args=(name,)) for name in revoked]
    threads += [threading.Thread(target=renew, args=(name,)) for name in renewed]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name: Passwords(tmp_path).get(name) for name in names} == dict.fromkeys(revoked) | made
