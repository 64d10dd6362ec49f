"""What police see: violation reports, masked until a purpose is stated."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Page, expect

from contracts.records import Passage, PlateRead
from contracts.topics import Kind
from tests.browser.conftest import PATIENCE_MS, LiveConsole, Open, legible

CAMERA = "cam-402-44"
PURPOSE = "Case 123/2569, accident at Bang Khu"
MASKED = "1กข **34"


@pytest.fixture(scope="module")
def a_case(live_console: LiveConsole, role_dsn: Callable[[str], str]) -> None:
    """One suspected violation with a clear plate, committed."""
    plates = [PlateRead("1กข 1234", 0.97, "TH-83")]
    with psycopg.connect(role_dsn("owner"), autocommit=True) as connection:
        connection.execute("LISTEN andaman_live")
        passage = Passage(
            t=datetime.now(UTC), lane=1, vehicle="car", direction="backward", speed_kmh=131, plates=plates
        )
        live_console.path.publish(CAMERA, Kind.PASSAGE, passage)
        while connection.execute("SELECT count(*) FROM violation").fetchone() == (0,):
            assert next(connection.notifies(timeout=PATIENCE_MS / 1_000, stop_after=1), None) is not None


def reports(page: Page) -> None:
    """Go to the reports."""
    page.get_by_role("button", name="Violation reports").click()
    expect(page.get_by_role("row").filter(has_text="402-44")).to_be_visible()


def purposes(role_dsn: Callable[[str], str]) -> list[tuple[Any, ...]]:
    """Who stated what, as the audit log has it."""
    with psycopg.connect(role_dsn("owner")) as connection:
        return connection.execute("SELECT actor, purpose FROM audit WHERE purpose <> ''").fetchall()


def test_police_see_a_plate_only_after_stating_a_purpose(
    a_case: None, visit: Open, role_dsn: Callable[[str], str]
) -> None:
    page = visit("police").page
    reports(page)
    expect(page.get_by_role("row").filter(has_text=MASKED)).to_be_visible()
    assert "1234" not in legible(page.content())
    reveal = page.get_by_role("button", name="Show plates")
    expect(reveal).to_be_disabled()
    page.get_by_label("Purpose for showing plates").fill(PURPOSE)
    reveal.click()
    expect(page.get_by_text(f"Plates shown for: {PURPOSE}")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="1กข 1234")).to_be_visible()
    assert purposes(role_dsn) == [("police", PURPOSE)]
    page.get_by_role("button", name="Hide plates").click()
    expect(page.get_by_role("row").filter(has_text=MASKED)).to_be_visible()


def test_a_filter_that_nothing_matches_says_what_to_do(a_case: None, visit: Open) -> None:
    page = visit("police").page
    reports(page)
    page.get_by_label("Zone").select_option("rawai")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("No suspected violation matches.")).to_be_visible()


def test_the_csv_has_the_filters_of_the_page_and_masked_plates(a_case: None, visit: Open) -> None:
    page = visit("police").page
    reports(page)
    with page.expect_download() as started:
        page.get_by_role("link", name="Download CSV").click()
    content = started.value.path().read_text("utf-8-sig")
    assert MASKED in content and "1234" not in legible(content)


def test_police_see_violations_live_and_no_alarms(a_case: None, visit: Open) -> None:
    window = visit("police")
    expect(window.page.get_by_test_id("violations")).to_contain_text("402-44")
    assert not [address for address in window.asked if "/alarms" in address or "/latest" in address]
