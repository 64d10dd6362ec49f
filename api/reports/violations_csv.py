"""Suspected violations as CSV for a spreadsheet: RFC 4180 in UTF-8 with the byte order mark that Excel needs for Thai.

A cell that a spreadsheet would run as a formula gets an apostrophe in front (OWASP, CSV injection): names and reasons
come from city files and, in the end, from devices. Times are in Thai local time with their offset.
"""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta, timezone
from typing import Final, TypeAlias

from contracts.answers import ViolationItem

Pages: TypeAlias = Iterator[Sequence[ViolationItem]]

BYTE_ORDER_MARK: Final = "\ufeff"
THAI_TIME: Final = timezone(timedelta(hours=7))
"""Thailand has had one offset and no summer time since 1920."""
FORMULA_STARTS: Final = tuple("=+-@\t\r\n＝＋－＠|%")
"""What starts a formula, a command or a new cell in one of the common spreadsheets, full-width forms too."""

COLUMNS: Final[tuple[tuple[str, str, Callable[[ViolationItem], object]], ...]] = (
    ("id", "รหัสเหตุ", lambda v: v.id),
    ("revision", "ฉบับแก้ไข", lambda v: v.revision),
    ("occurred_at", "วันเวลาเกิดเหตุ", lambda v: v.occurred_at.astimezone(THAI_TIME).isoformat()),
    ("offence", "ข้อหา", lambda v: v.offence),
    ("rule", "กฎ", lambda v: v.rule),
    ("rule_version", "รุ่นของกฎ", lambda v: v.rule_version),
    ("device", "อุปกรณ์", lambda v: v.device),
    ("call_sign", "รหัสเรียก", lambda v: v.call_sign),
    ("place_en", "สถานที่ (อังกฤษ)", lambda v: v.place_en),
    ("place_th", "สถานที่", lambda v: v.place_th),
    ("zone", "พื้นที่", lambda v: v.zone),
    ("lane", "ช่องทาง", lambda v: v.lane),
    ("direction", "ทิศทาง", lambda v: v.direction),
    ("vehicle", "ประเภทรถ", lambda v: v.vehicle),
    ("speed_kmh", "ความเร็ว (กม./ชม.)", lambda v: v.speed_kmh),
    ("limit_kmh", "อัตราที่กำหนด (กม./ชม.)", lambda v: v.limit_kmh),
    ("threshold_kmh", "เกณฑ์บังคับใช้ (กม./ชม.)", lambda v: v.threshold_kmh),
    ("margin_kmh", "ส่วนที่เกินเกณฑ์ (กม./ชม.)", lambda v: v.margin_kmh),
    ("chargeable", "ดำเนินคดีได้", lambda v: "yes" if v.chargeable else "no"),
    ("standing", "สถานะคดี", lambda v: v.standing),
    ("reason", "เหตุผลที่ดำเนินคดีไม่ได้", lambda v: v.reason),
    ("plate", "ทะเบียนรถ", lambda v: v.plate),
    ("plate_state", "สถานะการอ่านทะเบียน", lambda v: v.plate_state),
    ("recorded_at", "วันเวลาที่บันทึก", lambda v: v.recorded_at.astimezone(THAI_TIME).isoformat()),
    ("space", "ที่มาของข้อมูล", lambda v: v.space),
)
"""English heading, Thai heading, cell."""


def write(pages: Pages, lang: str) -> Iterator[str]:
    """The file, a page of rows at a time."""
    heading = [thai if lang == "th" else english for english, thai, _ in COLUMNS]
    yield BYTE_ORDER_MARK + _lines([heading])
    for items in pages:
        if items:
            yield _lines([[safe(cell(item)) for _, _, cell in COLUMNS] for item in items])


def safe(value: object) -> object:
    """A cell that stays text in a spreadsheet. Numbers are our own and stay numbers."""
    if value is None:
        return ""
    if isinstance(value, int | float):
        return value
    text = str(value)
    return f"'{text}" if text.lstrip().startswith(FORMULA_STARTS) or text.startswith(FORMULA_STARTS) else text


def _lines(rows: list[list[object]] | list[list[str]]) -> str:
    held = io.StringIO()
    csv.writer(held, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n").writerows(rows)
    return held.getvalue()
