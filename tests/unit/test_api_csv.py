"""The CSV file of violations opens as text in a spreadsheet, in Thai too, and runs nothing."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.reports.violations_csv import COLUMNS, FORMULA_STARTS, safe, write
from contracts.answers import ViolationItem
from contracts.sentences import Says

MOMENT = datetime(2026, 11, 22, 17, 30, tzinfo=UTC)
ITEM = ViolationItem(
    id=UUID(int=1), revision=1, rule="speeding", rule_version=1, offence="speeding", occurred_at=MOMENT,
    device="cam-402-07", call_sign="402-07", place_en="Ko Kaeo", place_th="เกาะแก้ว", zone="ko-kaeo", lane=1,
    direction="forward", vehicle="car", speed_kmh=131.0, limit_kmh=60.0, threshold_kmh=70.0, margin_kmh=61.0,
    chargeable=True, reason="", plate=None, plate_state="clear", because={},
    says=Says("", ""), recorded_at=MOMENT, space="live",
)  # fmt: skip


def rows(items: list[ViolationItem], lang: str = "en") -> list[list[str]]:
    text = "".join(write(iter([items]), lang))
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_headings_are_in_the_language_asked_for() -> None:
    assert rows([])[0][0] == "id"
    assert rows([], "th")[0] == [thai for _, thai, _ in COLUMNS]


def test_times_are_thai_local_time_with_their_offset() -> None:
    heading, row = rows([ITEM])
    assert row[heading.index("occurred_at")] == "2026-11-23T00:30:00+07:00"


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-2", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "|calc"])
def test_a_cell_that_a_spreadsheet_would_run_is_made_text(text: str) -> None:
    heading, row = rows([replace(ITEM, reason=text, place_th=text)])
    assert row[heading.index("reason")] == f"'{text}"
    assert row[heading.index("place_th")] == f"'{text}"


@given(st.text(max_size=50))
def test_no_text_cell_begins_a_formula(text: str) -> None:
    assert not str(safe(text)).lstrip().startswith(FORMULA_STARTS)


def test_numbers_stay_numbers() -> None:
    assert safe(-1.5) == -1.5


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=50))
def test_what_stands_in_a_cell_comes_out_of_it_again(text: str) -> None:
    heading, row = rows([replace(ITEM, place_en=text)])
    assert row[heading.index("place_en")].removeprefix("'") == text.removeprefix("'")
