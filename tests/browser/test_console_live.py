"""What an operator sees: the city as it happens, why, and what is not known."""

import io
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Page, expect

from contracts.records import Passage, PlateRead, Reading
from contracts.topics import Kind
from tests.browser.conftest import LiveConsole, Open, legible
from tests.figures import in_proportion

CAMERA = "cam-402-44"
SIGN = "402-44"
STATION = "air-02"
QUICKLY_SILENT = "noise-01"
PLATE = "1กข 1234"
A_SECOND_AND_SLACK_MS = 3_000
"""The promise is a second on a quiet machine; tests share two cores."""
SILENCE_HELD_MS = 180_000
"""Silences are held for a minute until it is known whether they are one outage, and begin half a minute after a time in
which the pipeline did not listen: on a busy machine it pauses."""
COLOURS_OF_A_MAP = 40
"""A blank or broken map has a handful."""


def speeding(speed_kmh: float) -> Passage:
    """A car in the 60 zone, read clearly."""
    plates = [PlateRead(PLATE, 0.97, "TH-83")]
    now = datetime.now(UTC)
    return Passage(t=now, lane=1, vehicle="car", direction="backward", speed_kmh=speed_kmh, plates=plates)


def open_device(page: Page, sign: str) -> None:
    """By keyboard alone."""
    page.keyboard.press("/")
    page.keyboard.type(sign)
    expect(page.get_by_role("option").first).to_contain_text(sign)
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary", name=sign)).to_be_visible()


def map_drawn(page: Page) -> None:
    """Wait until the whole city stands on the map."""
    expect(page.locator("section[aria-busy=false] canvas.maplibregl-canvas")).to_be_visible()


def test_a_published_passage_shows_up_beside_the_map_without_reloading(live_console: LiveConsole, visit: Open) -> None:
    page = visit().page
    map_drawn(page)  # the second is that of an operator at work, and not of one who has just opened the page
    page.evaluate("window.neverReloaded = true")
    live_console.path.publish(CAMERA, Kind.PASSAGE, speeding(131))
    card = page.get_by_test_id("violations").get_by_role("article").filter(has_text=SIGN).filter(has_text="131")
    expect(card).to_be_visible(timeout=in_proportion(A_SECOND_AND_SLACK_MS))
    expect(card).to_contain_text("limit 60")
    assert page.evaluate("window.neverReloaded")


def test_a_violation_explains_itself_in_both_languages(live_console: LiveConsole, visit: Open) -> None:
    page = visit().page
    live_console.path.publish(CAMERA, Kind.PASSAGE, speeding(127))
    page.get_by_role("button", name=re.compile("127.*Speeding|Speeding.*127|Speeding · car.*67")).first.click()
    expect(page.get_by_text("A car measured at 127 km/h where 60 is the limit")).to_be_visible()
    page.get_by_role("button", name="ไทย").click()
    expect(page.get_by_text("รถยนต์วัดความเร็วได้ 127 กม./ชม. ในที่ซึ่งจำกัด 60 กม./ชม.")).to_be_visible()


def test_an_operator_never_sees_a_plate(live_console: LiveConsole, visit: Open) -> None:
    window = visit()
    live_console.path.publish(CAMERA, Kind.PASSAGE, speeding(129))
    card = window.page.get_by_test_id("violations").get_by_role("article").filter(has_text="129").first
    card.get_by_role("button").first.click()
    expect(card).to_contain_text("Law")
    content = legible(window.page.content())
    assert "1234" not in content and "**34" not in content


def test_a_reading_shows_up_in_its_devices_panel_with_unit_and_band(live_console: LiveConsole, visit: Open) -> None:
    page = visit().page
    map_drawn(page)
    open_device(page, STATION)
    live_console.path.publish(STATION, Kind.READINGS, Reading(metric="pm2_5", value=28.4, t=datetime.now(UTC)))
    row = page.get_by_role("row").filter(has_text="PM2.5")
    expect(row).to_contain_text("28.4 µg/m³", timeout=in_proportion(A_SECOND_AND_SLACK_MS))
    expect(row).to_contain_text("3 Moderate")
    expect(page.get_by_label("City overview")).to_contain_text("28.4")


def test_an_old_value_is_shown_as_stale(live_console: LiveConsole, visit: Open) -> None:
    page = visit().page
    open_device(page, "air-03")
    long_ago = datetime.now(UTC) - timedelta(minutes=20)
    live_console.path.publish("air-03", Kind.READINGS, Reading(metric="pm2_5", value=33.3, t=long_ago))
    row = page.get_by_role("row").filter(has_text="PM2.5")
    expect(row).to_contain_text("33.3")
    expect(row).to_contain_text("stale · 20 min ago")
    expect(page.get_by_label("City overview")).not_to_contain_text("33.3")


def test_a_silent_device_is_an_alarm_that_says_what_to_do_and_goes_when_it_speaks(
    live_console: LiveConsole, visit: Open
) -> None:
    page = visit().page
    alarms = page.get_by_role("region", name="Alarms")
    card = alarms.get_by_role("article").filter(has_text=QUICKLY_SILENT)
    expect(card).to_contain_text("Device silent", timeout=SILENCE_HELD_MS)
    expect(card).to_contain_text("Low")
    card.get_by_role("button").first.click()
    for title in ("What to do", "Whom to call", "Cause", "If nothing is done", "Respond within 30 min"):
        expect(card).to_contain_text(title)
    live_console.path.publish(QUICKLY_SILENT, Kind.READINGS, Reading(metric="laeq", value=61.0, t=datetime.now(UTC)))
    expect(card).to_contain_text("Returned to normal")


def test_a_device_that_never_spoke_says_so(visit: Open) -> None:
    page = visit().page
    open_device(page, "water-13")
    expect(page.get_by_role("complementary")).to_contain_text("Never heard")
    expect(page.get_by_role("complementary")).to_contain_text("Nothing has been heard from this device yet.")


def test_the_keyboard_opens_a_device_and_gives_the_focus_back(visit: Open) -> None:
    page = visit().page
    open_device(page, SIGN)
    page.keyboard.press("Escape")
    expect(page.get_by_role("complementary")).to_have_count(0)
    expect(page.get_by_role("combobox", name="Find a device")).to_be_focused()


def test_the_map_draws_the_city_and_a_click_on_a_symbol_opens_its_device(visit: Open) -> None:
    page = visit().page
    map_drawn(page)
    open_device(page, STATION)
    page.get_by_role("button", name="Close").click()
    canvas = page.locator("canvas.maplibregl-canvas")
    box = canvas.bounding_box()
    assert box is not None
    drawn = Image.open(io.BytesIO(canvas.screenshot())).convert("RGB").getcolors(2**24)
    assert drawn is not None and len(drawn) > COLOURS_OF_A_MAP
    # The map went to the device and left the panel's 400 points free on the left.
    expect(page.locator("aside")).to_have_count(0)
    clicked = """async ([x, y]) => {
      for (let tries = 0; tries < 400 && !document.querySelector("aside"); tries += 1) {
        const canvas = document.querySelector("canvas.maplibregl-canvas");
        for (const kind of ["mousedown", "mouseup", "click"]) {
          canvas.dispatchEvent(new MouseEvent(kind, { clientX: x, clientY: y, bubbles: true, button: 0 }));
        }
        await new Promise((frame) => requestAnimationFrame(() => requestAnimationFrame(frame)));
      }
    }"""
    page.evaluate(clicked, [box["x"] + (box["width"] + 400) / 2, box["y"] + box["height"] / 2])
    expect(page.get_by_role("complementary")).to_be_visible()


def test_the_page_asks_no_other_host_for_anything(live_console: LiveConsole, visit: Open) -> None:
    window = visit()
    open_device(window.page, SIGN)
    window.page.get_by_role("button", name="ไทย").click()
    window.page.get_by_role("button", name="ธีมสว่าง").click()
    map_drawn(window.page)
    hosts = {urlsplit(address).netloc for address in window.asked if not address.startswith(("blob:", "data:"))}
    assert hosts == {urlsplit(live_console.url).netloc}


def test_the_page_obeys_the_content_security_policy_and_raises_no_error(visit: Open) -> None:
    window = visit()
    open_device(window.page, SIGN)
    map_drawn(window.page)
    # Asking whether a session exists is answered with 401 before the sign-in; browsers log that, and nothing else.
    assert [said for said in window.complaints if "401" not in said] == []


def test_the_page_says_when_the_connection_is_lost_and_comes_back_by_itself(
    live_console: LiveConsole, visit: Open
) -> None:
    page = visit().page
    live_console.path.publish(CAMERA, Kind.PASSAGE, speeding(121))
    expect(page.get_by_test_id("violations")).to_contain_text("121")
    live_console.kill_api()
    expect(page.locator("header [role=status]")).to_contain_text("Connection lost")
    expect(page.get_by_text(re.compile("What you see is from .* ago"))).to_be_visible()
    live_console.path.publish(CAMERA, Kind.PASSAGE, speeding(123))
    live_console.start_api()
    expect(page.get_by_test_id("violations")).to_contain_text("123")
    expect(page.locator("header [role=status]")).not_to_contain_text("Connection lost")
