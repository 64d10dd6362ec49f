"""What docs/devices.md tells a device's maker is true."""

import re
from datetime import UTC, datetime
from pathlib import Path

from contracts import wire
from contracts.city import City, numbered
from contracts.city_forms import parse_city
from contracts.clock import to_us
from contracts.delivery import REASONS, Delivery
from ingest.decode import IntakeLimits, decode
from ingest.provinces import BETONG, PROVINCES
from ingest.registry import Registry
from tests.fixtures.fake_sealer import FakeSealer

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/devices.md").read_text("utf-8")
NOW_US = to_us(datetime(2026, 11, 22, 3, 0, 5, tzinfo=UTC))


def phuket() -> City:
    folder = ROOT / "cities/phuket"
    names = (path.name for path in folder.glob("*.toml") if path.name != "retention.toml")
    return numbered(parse_city({name: (folder / name).read_bytes() for name in names}))


def examples() -> list[tuple[str, bytes]]:
    """Topic and payload of each example of a message; the last topic named before it is its own."""
    found, topic = [], ""
    for said, block in re.findall(r"`(andaman/v1/[^`{]+)`|```json\n(.*?)```", TEXT, re.DOTALL):
        topic = said or topic
        if "records" in block:
            found.append((topic, block.encode()))
    return found


def test_every_example_is_accepted_by_the_city_of_phuket() -> None:
    deliveries = [Delivery(topic, payload, NOW_US) for topic, payload in examples()]
    assert len({delivery.topic.rpartition("/")[2] for delivery in deliveries}) == len(wire.RECORDS)
    result = decode(deliveries, Registry(phuket()), FakeSealer(), IntakeLimits())
    assert result.rejections == ()
    assert [len(kept) for kept in (result.readings, result.passages, result.signals, result.statuses)] == [8, 1, 1, 2]
    assert result.passages["plate_state"] == 1


def test_the_example_of_a_mark_is_one() -> None:
    (mark,) = [block for block in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL) if "records" not in block]
    assert wire.decode_mark(mark.encode()) == wire.Mark(3, 17)


def test_every_reason_for_a_rejection_is_explained_and_no_other() -> None:
    table = TEXT.partition("## Rejections")[2]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == list(REASONS)


def test_the_provinces_are_those_of_the_citys_table() -> None:
    lines = (ROOT / "cities/phuket/provinces.csv").read_text("utf-8").splitlines()[1:]
    table = {fields[2] or BETONG: fields[0] for fields in (line.split(",") for line in lines)}
    assert table == {code: name_th for code, (name_th, _) in PROVINCES.items()}
