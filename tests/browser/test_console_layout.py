"""How the page looks and is used: on the wall of a control room, on a telephone, in Thai, without a mouse."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import CONTROL_ROOM, LAPTOP, PHONE, LiveConsole, Open
from tests.fixtures.path_rig import PASSWORD

OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
TAP_PX = 40
"""The smallest target for a thumb that we allow (WCAG 2.2, 2.5.8 asks for 24)."""
OUTLINE = "() => { const s = getComputedStyle(document.activeElement); return [s.outlineStyle, s.outlineWidth]; }"


def tab(page: Page, name: str) -> None:
    """Touch a tab at the foot of the telephone's page."""
    page.get_by_role("navigation").get_by_role("button", name=name).click()


def test_a_stranger_sees_nothing_but_the_sign_in(live_console: LiveConsole, visit: Open) -> None:
    window = visit(role=None)
    expect(window.page.get_by_role("button", name="Sign in")).to_be_visible()
    answered = {address.removeprefix(live_console.url) for address in window.asked if "/api/" in address}
    assert answered == {"/api/v1/session"}


def test_a_wrong_password_is_said_so_and_nothing_else(live_console: LiveConsole, visit: Open) -> None:
    window = visit(role=None)
    window.sign_in(live_console.url, "operator", "not the password")
    expect(window.page.get_by_role("alert")).to_have_text("User name or password is not right.")


def test_signing_out_leads_back_to_the_sign_in(visit: Open) -> None:
    page = visit().page
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


@pytest.mark.parametrize("size", [CONTROL_ROOM, LAPTOP, PHONE], ids=["control room", "laptop", "phone"])
@pytest.mark.parametrize("language", ["en", "th"])
def test_no_layout_scrolls_sideways(visit: Open, size: tuple[int, int], language: str) -> None:
    page = visit(size=size, language=language).page
    assert page.evaluate(OVERFLOW) == 0
    if size == PHONE:
        for name in {"en": ("Alarms", "Violations", "City"), "th": ("แจ้งเตือน", "การฝ่าฝืน", "เมือง")}[language]:
            tab(page, name)
            assert page.evaluate(OVERFLOW) == 0


def test_phone_layout_reaches_alarms_violations_and_the_city_by_tabs(visit: Open) -> None:
    page = visit(size=PHONE).page
    for name, title in (
        ("Alarms", "No active alarm"),
        ("Violations", "No suspected violation yet"),
        ("City", "PM2.5, worst"),
    ):
        tab(page, name)
        expect(page.get_by_text(title)).to_be_visible()
    tab(page, "Map")
    expect(page.get_by_text("PM2.5, worst")).to_be_hidden()


def test_phone_targets_are_large_enough_for_a_thumb(visit: Open) -> None:
    page = visit(size=PHONE).page
    for button in page.get_by_role("button").all():
        box = button.bounding_box()
        if box is not None:
            assert min(box["width"], box["height"]) >= TAP_PX, button.inner_html()


def test_control_room_shows_map_alarms_and_violations_at_once(visit: Open) -> None:
    page = visit(size=CONTROL_ROOM).page
    for region in ("Map of Phuket", "Alarms", "Violations"):
        expect(page.get_by_role("region", name=region)).to_be_visible()
    expect(page.get_by_text("© OpenStreetMap contributors, ODbL 1.0")).to_be_visible()
    expect(page.get_by_text("OCHA COD-AB, CC BY 3.0 IGO")).to_be_visible()


def test_empty_lists_say_what_is_normal(visit: Open) -> None:
    page = visit().page
    expect(page.get_by_text("No active alarm. That is normal")).to_be_visible()


def test_the_language_is_switched_and_kept(visit: Open) -> None:
    page = visit().page
    expect(page.get_by_role("heading", name="Alarms")).to_be_visible()
    page.get_by_role("button", name="ไทย").click()
    expect(page.get_by_role("heading", name="สัญญาณเตือน")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="สัญญาณเตือน")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "th"


def test_the_clock_shows_thai_time_with_the_buddhist_era_year_in_thai(visit: Open) -> None:
    page = visit(language="th").page
    thai_now = datetime.now(UTC) + timedelta(hours=7)
    clock = page.locator("header time")
    expect(clock).to_contain_text(str(thai_now.year + 543))
    # Either side of a full hour.
    hours = {thai_now.hour, (thai_now + timedelta(seconds=20)).hour}
    expect(clock).to_have_text(re.compile("|".join(f"{hour:02}:" for hour in hours)))


def test_the_theme_is_dark_unless_chosen_and_the_choice_is_kept(visit: Open) -> None:
    page = visit().page
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.get_by_role("button", name="Light theme").click()
    page.reload()
    expect(page.get_by_role("button", name="Dark theme")).to_be_visible()
    assert page.evaluate("document.documentElement.dataset.theme") == "light"


def test_every_control_shows_its_focus(visit: Open) -> None:
    page = visit().page
    seen: set[str] = set()
    while True:
        page.keyboard.press("Tab")
        what = page.evaluate("document.activeElement.outerHTML.slice(0, 120)")
        if what in seen or what.startswith("<body"):
            break
        seen.add(what)
        style, width = page.evaluate(OUTLINE)
        if "maplibregl-canvas" not in what:  # its frame is drawn by the pane around it
            assert style != "none" and float(width.removesuffix("px")) >= 2, what
    assert len(seen) > 8


def test_nothing_moves_for_who_asked_for_less_motion(visit: Open) -> None:
    page = visit(reduced_motion=True).page
    assert page.evaluate("document.getAnimations().length") == 0


def test_a_developer_sees_devices_and_jobs_but_no_findings(visit: Open) -> None:
    window = visit("developer")
    expect(window.page.get_by_role("button", name="Jobs")).to_be_visible()
    expect(window.page.get_by_role("heading", name="Violations")).to_have_count(0)
    assert not [address for address in window.asked if "/violations" in address or "/alarms" in address]


def test_the_password_is_sent_to_the_sign_in_and_kept_nowhere(visit: Open) -> None:
    page = visit().page
    assert PASSWORD not in page.content() + page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")
