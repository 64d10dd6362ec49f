"""How fast the simulator makes a city: `python -m bench.simulator`.

Ours makes blocks as arrays; the anchor is what one would write first: a loop that draws one record after another with
the standard library. Both make the fields of the same records for the same cameras; the anchor's vehicles do not even
drive on, wait at signals or keep to limits. Seconds are those of the processor,
of one core: other programs beside do not count. No I/O.
"""

import json
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.sides.bounds import holds
from contracts.city import City, numbered
from contracts.city_forms import parse_city
from contracts.clock import DAY_US, HOUR_US
from contracts.wire import encode
from simulators.live import Live
from simulators.past import PastPlan, past
from simulators.plates import CONSONANTS

PHUKET = Path(__file__).resolve().parents[1] / "cities" / "phuket"
NOON_US = 1_795_348_800 * 1_000_000
"""Sunday, 22 November 2026, 19:00 in Phuket."""
ANCHOR_RECORDS = 200_000
LIVE_US = HOUR_US
BOUND_PER_S = 300_000


def one_at_a_time(city: City, seed: int, many: int) -> Iterator[dict[str, object]]:
    """The anchor: passages, one dictionary after another."""
    draw = random.Random(seed)
    cameras = [device for device in city.devices if device.type == "camera"]
    classes = ("motorcycle", "car", "pickup", "van", "bus", "truck", "three_wheel")
    shares = (0.585, 0.225, 0.125, 0.035, 0.006, 0.020, 0.004)
    time_us, numbers = NOON_US, dict.fromkeys((device.id for device in cameras), 0)
    for _record in range(many):
        time_us += round(draw.expovariate(20.0) * 1e6)
        camera = draw.choice(cameras)
        numbers[camera.id] += 1
        plate = f"{draw.randint(1, 9)}{draw.choice(CONSONANTS)}{draw.choice(CONSONANTS)}{draw.randint(1, 9_999)}"
        yield {
            "device": camera.no,
            "boot": 1,
            "seq": numbers[camera.id],
            "event_us": time_us,
            "received_us": time_us + draw.randint(60_000, 480_000),
            "lane": draw.choice((*camera.lanes_forward, *camera.lanes_backward)),
            "vehicle": draw.choices(classes, shares)[0],
            "speed_kmh": round(max(6.0, draw.gauss(60.0, 9.0)), 1),
            "plate": (plate, "TH-83", round(draw.uniform(0.86, 0.99), 3)),
        }


def timed_past(city: City, length_us: int, plan: PastPlan) -> tuple[int, float]:
    """Records of a past, and the seconds that they took."""
    began_s = time.process_time()
    records = sum(block.records for block in past(city, 1, NOON_US - length_us, NOON_US, plan))
    return records, time.process_time() - began_s


def timed_anchor(city: City) -> float:
    """Seconds for `ANCHOR_RECORDS` records of the anchor."""
    began_s = time.process_time()
    made = sum(1 for _record in one_at_a_time(city, 1, ANCHOR_RECORDS))
    assert made == ANCHOR_RECORDS
    return time.process_time() - began_s


def timed_live(city: City) -> tuple[int, float]:
    """Messages of a live hour, made and encoded, and the seconds that they took."""
    live, messages = Live(city, 1), 0
    began_s = time.process_time()
    for saying in live.sayings(NOON_US):
        if saying.due_us >= NOON_US + LIVE_US:
            break
        encode(saying.kind, saying.records, 1, 1)
        messages += 1
    return messages, time.process_time() - began_s


def main() -> int:
    """Measure and print a table, and the figures as JSON in the last line."""
    city = numbered(parse_city({path.name: path.read_bytes() for path in sorted(PHUKET.glob("*.toml"))}))
    timed_past(city, HOUR_US, PastPlan())  # imports and first calls are not the subject
    anchor_per_s = ANCHOR_RECORDS / timed_anchor(city)
    day = timed_past(city, DAY_US, PastPlan())
    days = timed_past(city, 8 * DAY_US, PastPlan())
    live = timed_live(city)
    rows = [
        ("a loop, one record after another (anchor)", ANCHOR_RECORDS, ANCHOR_RECORDS / anchor_per_s),
        ("a day of Phuket, every vehicle", *day),
        ("8 days of Phuket, passages for the last one", *days),
        ("a live hour, messages made and encoded", *live),
    ]
    out = sys.stdout
    out.write(f"{'':46}{'records':>12}{'seconds':>10}{'a second':>12}{'x anchor':>10}\n")
    for name, records, seconds in rows:
        out.write(f"{name:46}{records:12,}{seconds:10.2f}{records / seconds:12,.0f}")
        out.write(f"{records / seconds / anchor_per_s:10.1f}\n")
    out.write(
        f"live at 1x: {live[1] / (LIVE_US / 1e6):.2%} of a core to make and encode {live[0] / 3600:.0f} messages/s\n"
    )
    figures = {
        "day_records_per_s": round(day[0] / day[1]),
        "days_records_per_s": round(days[0] / days[1]),
        "anchor_records_per_s": round(anchor_per_s),
        "live_messages_per_s": round(live[0] / live[1]),
        "bound_records_per_s": BOUND_PER_S,
        "ratios": {
            "day": round(day[0] / day[1] / anchor_per_s, 2),
            "eight_days": round(days[0] / days[1] / anchor_per_s, 2),
        },
    }
    if "--bound" in sys.argv:
        return 0 if holds("records a second of one core", round(day[0] / day[1]), at_least=BOUND_PER_S) else 1
    out.write(json.dumps(figures) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
