"""Ten million messages that no device should send, through cutter, decoder, adapters and admission:

    python -m bench.fuzz [--messages 10000000] [--seed 1] [--batch N]

Every one must be accounted for: accepted, rejected with a reason, state, a mark, understood and of no interest, or
behind a packet that ended its connection. A batch is a function of seed and number alone. One that fails is taken
apart, the messages that fail by themselves are kept as files in `tests/fixtures/fuzz`, which `make test` runs for ever
after, and `--seed S --batch N` runs it again. Seconds are those of the processor, of one core.
"""

import argparse
import faulthandler
import json
import random
import resource
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from types import FrameType
from typing import Final

from bench.sides.mutations import CHANGES, Message, Said, mutated, publish, said
from bench.sides.way_in import Account, WayIn
from contracts import wire
from contracts.clock import to_us
from contracts.delivery import REASONS
from contracts.examples import AT, EXAMPLES, MARK, NUMBER
from contracts.jit import warm_up
from contracts.topics import Kind
from processing import admission
from tests.fixtures.captured import CAPTURED, city_of_families
from tests.fixtures.fake_sealer import FakeSealer

MESSAGES: Final = 10_000_000
BATCH: Final = 500
"""Messages between two looks at the account; a stream of some 200 kB."""
FRAMES_CHANGED: Final = 4
"""In one stream of so many the bytes of the frames themselves are changed; it is shorter, since it often ends early."""
SHORT: Final = 40
BOTH: Final = 3
"""One batch of so many is read by columns and one by one, and compared; the others by columns alone, as a city does."""
HANG_S: Final = 60
"""A batch takes 30 ms; one that takes so long hangs."""
KERNEL_HANGS_S: Final = 2 * HANG_S
"""No signal reaches Python out of a kernel that hangs: after so long the whole process ends."""
MAX_KEPT: Final = 5
"""Files of one batch that fails; more of them mostly show the same."""
NOW_US: Final = to_us(AT) + 5_000_000
KEPT: Final = Path(__file__).resolve().parents[1] / "tests" / "fixtures" / "fuzz"
OTHERS: Final = (b"\xd0\x00", b"\x40\x02\x00\x01", b"\x90\x04\x00\x01\x00\x01", b"\x40\x03\x00\x01\x10")
"""Packets that are paho's."""
PLATES: Final = ("1กข 1234", "1กข1234", "8กผ")
SPEAKERS: Final = {
    Kind.COUNTS: "mai-khao/cam-402-07",
    Kind.PASSAGE: "mai-khao/cam-402-07",
    Kind.READINGS: "talat-yai/air-01",
    Kind.SIGNAL: "mai-khao/cam-402-12",
    Kind.STATUS: "talat-yai/air-01",
}
"""Zone and device of Phuket that say the examples."""
VERDICTS: Final = {
    "new": admission.NEW,
    "duplicate": admission.DUPLICATE,
    "conflict": admission.CONFLICT,
    "to be looked up": admission.DOUBTFUL,
}


class Hangs(Exception):
    """A batch did not end."""


def corpus() -> list[Said]:
    """What devices do say: examples of the native format, and of every family as its page shows it."""
    native = [
        said(f"andaman/v1/phuket/{SPEAKERS[kind]}/{kind}", wire.encode(kind, records, *number))
        for kind, examples in EXAMPLES.items()
        for records in examples
        for number in (NUMBER, (None, None))
    ]
    marks = [said(f"andaman/v1/phuket/{SPEAKERS[Kind.STATUS]}/mark", wire.encode_mark(MARK.boot, MARK.seq))]
    foreign = [said(topic, payload.encode()) for captured in CAPTURED.values() for topic, payload in captured.messages]
    return [*native * 2, *marks, *foreign]


def way_in() -> WayIn:
    """Phuket with a device of every family."""
    return WayIn(city_of_families(), FakeSealer(), PLATES)


def stream_of(seed: int, number: int, seeds: Sequence[Said]) -> tuple[list[Message], bytes, list[int], bool]:
    """Messages of a batch, their bytes as a broker would send them, where they are cut, and whether they are whole."""
    draw = random.Random(f"{seed} {number}")
    whole = number % FRAMES_CHANGED != 0
    messages = [mutated(seeds, draw) for _ in range(BATCH if whole else SHORT)]
    packets = [publish(message, draw.randrange(1, 65_536)) for message in messages]
    for _ in range(draw.randrange(6)):
        packets.insert(draw.randrange(len(packets)), draw.choice(OTHERS))
    stream = bytearray(b"".join(packets))
    for _ in range(0 if whole else draw.choice((1, 2, 3, 8))):
        at = draw.randrange(len(stream))
        chosen = draw.randrange(4)
        if chosen == 0:
            stream[at] = draw.randrange(256)
        elif chosen == 1:
            del stream[at : at + draw.choice((1, 2, 9))]
        elif chosen == 2:
            stream[at:at] = draw.randbytes(draw.randrange(1, 5))
        else:  # the head of a packet: its type, its length, the length of its topic
            head = stream.find(b"andaman", at) - 4
            stream[max(0, head) : max(0, head) + 1] = draw.randbytes(1)
    places = [draw.randrange(len(stream) + 1) for _ in range(draw.choice((0, 1, 4, 30)))]
    return messages, bytes(stream), places, whole


def batches(messages: int) -> Iterator[int]:
    """The numbers of the batches that make so many messages."""
    made, number = 0, 0
    while made < messages:
        yield number
        made += BATCH if number % FRAMES_CHANGED else SHORT
        number += 1


def run(seed: int, numbers: Iterator[int], into: WayIn, seeds: Sequence[Said]) -> tuple[Account, float]:
    """Run these batches; their account, and the seconds of the slowest.

    Raises:
        Exception: of the first batch that fails, with what fails alone kept in a file.
    """
    account, slowest_s = Account(), 0.0
    for number in numbers:
        messages, stream, places, whole = stream_of(seed, number, seeds)
        began_s = time.monotonic()
        try:
            with _watched():
                both = number % BOTH == 0
                account.add(into.take(stream, places, len(messages), NOW_US, whole, both))
        except Exception as failure:
            failure.add_note(f"python -m bench.fuzz --seed {seed} --batch {number}")
            failure.add_note(_keep(messages, stream))
            raise
        slowest_s = max(slowest_s, time.monotonic() - began_s)
        if sys.stderr.isatty() and number % 100 == 0:
            sys.stderr.write(f"\r{account.made:,} messages")
    return account, slowest_s


def _keep(messages: Sequence[Message], stream: bytes) -> str:
    """Put what fails by itself into files, else the whole stream; says which."""
    alone = way_in()
    failing = [packet for packet in (publish(message, 1) for message in messages) if fails(packet, alone)]
    KEPT.mkdir(exist_ok=True)
    names = []
    for content in failing[:MAX_KEPT] or [stream]:
        name = f"failed-{blake2b(content, digest_size=6).hexdigest()}.mqtt"
        (KEPT / name).write_bytes(content)
        names.append(name)
    return f"{len(failing)} fail alone; kept in {KEPT.name}/: {', '.join(names)}"


def fails(packet: bytes, into: WayIn) -> bool:
    """Whether a message cannot be taken in."""
    try:
        with _watched():
            into.take(packet, [], 1, NOW_US, whole=True)
    except Exception:
        return True
    return False


@contextmanager
def _watched() -> Iterator[None]:
    """Raise what hangs in Python as `Hangs`; what hangs in a kernel ends the process, with where it was."""
    faulthandler.dump_traceback_later(KERNEL_HANGS_S, exit=True)
    try:
        signal.setitimer(signal.ITIMER_REAL, HANG_S)  # within: it may go off at once, and the other is to be taken back
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()


def hangs(number: int, frame: FrameType | None) -> None:
    raise Hangs(f"still not done after {HANG_S} s")


def main() -> int:
    """Run, and print the account and the figures as JSON in the last line."""
    given = _arguments()
    signal.signal(signal.SIGALRM, hangs)
    warm_up()
    seeds, into = corpus(), way_in()
    numbers = iter([given.batch]) if given.batch is not None else batches(given.messages)
    began_s, began_at_s = time.process_time(), time.monotonic()
    account, slowest_s = run(given.seed, numbers, into, seeds)
    used_s, took_s = time.process_time() - began_s, time.monotonic() - began_at_s
    per_s = account.made / used_s
    rows = {
        "messages made": account.made,
        "lost behind a broken frame": account.behind,
        "packets cut out of the streams": account.cut,
        "accepted, whole or in part": account.accepted,
        **{f"rejected: {reason}": account.rejected[reason] for reason in REASONS if account.rejected[reason]},
        "retained or empty: state": account.state,
        "our own marks": account.marks,
        "understood, nothing asked for": account.passed_over,
        **{f"rows: {name}": account.verdicts[verdict] for name, verdict in VERDICTS.items()},
    }
    out = sys.stdout
    out.writelines(f"{name:36}{count:14,}\n" for name, count in rows.items())
    out.write(f"{account.settled:,} of {account.cut:,} packets accounted for; no crash, no hang\n")
    out.write(f"{per_s:,.0f} a second of one core; ten million take {MESSAGES / per_s / 60:.0f} minutes\n")
    figures = {
        "seed": given.seed,
        "messages": account.made,
        "unaccounted": account.cut - account.settled,
        "messages_per_s": round(per_s),
        "ten_million_minutes": round(MESSAGES / per_s / 60, 1),
        "seconds": round(took_s, 1),
        "slowest_batch_ms": round(slowest_s * 1_000),
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1_024,
        "kinds_of_change": len(CHANGES),
    }
    out.write(json.dumps({"figures": figures}) + "\n")
    return 0 if account.cut == account.settled else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("--messages", type=int, default=MESSAGES, metavar="N", help="how many; default ten million")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other messages; default 1")
    parser.add_argument("--batch", type=int, metavar="N", help="this one batch alone, as a failure named it")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
