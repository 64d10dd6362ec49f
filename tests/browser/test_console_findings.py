"""What the page makes of alarms and cases of every kind, and what an operator can do about an alarm."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from playwright.sync_api import Locator, Page, expect
from psycopg.types.json import Jsonb

from contracts.records import Passage, PlateRead, Reading, Status
from contracts.topics import Kind
from tests.browser.conftest import PATIENCE_MS, LiveConsole, Open

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = NOW.replace(minute=0, second=0)
STATION, NUMBER_OF = "air-03", "SELECT no FROM device WHERE id = %s"
CAMERA = "cam-402-44"
FIGURES = {"measured": 3.0, "limit": 2.0, "threshold": 2.0, "margin": 1.0, "unit": "devices", "needed": "fewer"}
OUTAGE = {
    "devices": "air-02, cam-402-44", "more_devices": 7, "silent_devices": 9, "devices_of_place": 12,
    "place_name_en": "Rawai", "place_name_th": "ราไวย์",
}  # fmt: skip
SIREN = {
    "suppressed_by": "siren-test", "suppressed_because_en": "Siren test, every Wednesday at 08:00",
    "suppressed_because_th": "ทดสอบสัญญาณเตือนภัย", "metric": "lamax",
}  # fmt: skip
AQI, AQI_MAIN, PM25 = 120, 121, 1
"""Codes of Phuket's metrics that are put into windows here."""


class Told:
    """Alarms and windows as the engine would have told them."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection

    def alarm(self, kind: str, priority: int, inputs: object, condition: str = "active", device: int = -1) -> UUID:
        """A first revision."""
        id = uuid4()
        content = {"because": {**FIGURES, "inputs": inputs}, "rule": kind, "rule_version": 1}
        self.connection.execute(
            "INSERT INTO alarm (shard, id, revision, n, kind, subject, device, zone, priority, condition, onset_at,"
            " changed_at, content) VALUES (0, %s, 1, 1, %s, 'rawai', %s, 'rawai', %s, %s, %s, %s, %s)",
            (id, kind, device, priority, condition, NOW - timedelta(minutes=5), NOW, Jsonb(content)),
        )
        return id

    def hour(self, device: int, code: int, figure: float) -> None:
        """The hour before this one."""
        self.connection.execute(
            "INSERT INTO window_wide VALUES (0, 1, %s, %s, 0, 3600, %s, 1, 9, 3, %s, %s, %s, 'NaN', %s, %s, %s, %s, 1)",
            (device, code, HOUR - timedelta(hours=1), *[figure] * 7),
        )


@pytest.fixture(scope="module")
def told(live_console: LiveConsole, role_dsn: Callable[[str], str]) -> Iterator[Told]:
    """A pipeline that has said something, so that its shard and its devices are known."""
    with psycopg.connect(role_dsn("owner"), autocommit=True) as connection:
        connection.execute("LISTEN andaman_live")
        live_console.path.publish("air-02", Kind.READINGS, Reading(metric="pm2_5", value=12.0, t=datetime.now(UTC)))
        assert next(connection.notifies(timeout=PATIENCE_MS / 1_000, stop_after=1), None) is not None
        yield Told(connection)


def alarms(page: Page) -> Locator:
    """The list of alarms."""
    return page.get_by_role("region", name="Alarms")


def test_an_outage_card_lists_its_devices(told: Told, visit: Open) -> None:
    told.alarm("outage", 3, OUTAGE)
    page = visit().page
    card = alarms(page).get_by_role("article").filter(has_text="9 of 12 devices in Rawai")
    card.get_by_role("button").first.click()
    expect(card.get_by_role("button", name="air-02", exact=True)).to_be_visible()
    expect(card).to_contain_text("and 7 more")
    card.get_by_role("button", name="402-44", exact=True).click()
    expect(page.get_by_role("complementary", name="402-44")).to_be_visible()


def test_a_suppressed_alarm_is_not_among_the_active(told: Told, visit: Open) -> None:
    told.alarm("noise-high", 2, SIREN, "suppressed")
    page = visit().page
    active = page.get_by_role("region", name="Alarms").locator("ul[aria-live]")
    expect(alarms(page).get_by_text("Suppressed by design · 1", exact=True)).to_be_visible()
    expect(active.filter(has_text="Suppressed")).to_have_count(0)
    alarms(page).get_by_text("Suppressed by design · 1", exact=True).click()
    card = alarms(page).get_by_role("article").filter(has_text="Siren test, every Wednesday")
    expect(card).to_contain_text("suppressed by: siren-test")


def test_acknowledging_an_alarm_shows_who_did_it_to_everybody(told: Told, visit: Open) -> None:
    told.alarm("alarm-flood", 3, {"alarms": 14, "within_s": 600, "first_kind": "silence", "first_subject": "air-07"})
    page, other = visit().page, visit(role="admin").page
    card = alarms(page).get_by_role("article").filter(has_text="14 new alarms")
    card.get_by_role("button").first.click()
    card.get_by_role("button", name="Acknowledge", exact=True).click()
    expect(card).to_contain_text("Acknowledged by operator")
    expect(card.get_by_role("button", name="Acknowledge", exact=True)).to_have_count(0)
    expect(alarms(other).get_by_role("article").filter(has_text="14 new alarms")).to_contain_text(
        "Acknowledged by operator"
    )


def test_a_shelved_alarm_stands_aside_with_its_reason_until_it_is_brought_back(told: Told, visit: Open) -> None:
    told.alarm("outage", 2, OUTAGE | {"place_name_en": "Karon", "silent_devices": 4})
    page = visit().page
    card = alarms(page).get_by_role("article").filter(has_text="4 of 12 devices in Karon")
    card.get_by_role("button").first.click()
    card.get_by_role("button", name="Shelve…").click()
    card.get_by_label("Reason").fill("Roadworks, the power is off")
    card.get_by_role("button", name="Shelve", exact=True).click()
    aside = alarms(page).locator("details").filter(has_text="Shelved · 1")
    aside.locator("summary").click()
    card = aside.get_by_role("article").filter(has_text="4 of 12 devices in Karon")
    expect(card).to_contain_text("shelved until")
    expect(card).to_contain_text("“Roadworks, the power is off”")
    card.get_by_role("button", name="Bring back").click()
    expect(alarms(page).get_by_text("Shelved · 1", exact=True)).to_have_count(0)
    expect(alarms(page).locator("ul[aria-live]")).to_contain_text("4 of 12 devices in Karon")


def test_a_second_look_case_is_not_shown_as_chargeable(live_console: LiveConsole, told: Told, visit: Open) -> None:
    page = visit(role="police").page
    trusted = Status(t=datetime.now(UTC), clock_offset_ms=3.0, clock_source="ntp", lens_score=0.95)
    live_console.path.publish(CAMERA, Kind.STATUS, trusted)
    doubtful = [PlateRead("1กข 1234", 0.31, "TH-83")]
    live_console.path.publish(
        CAMERA, Kind.PASSAGE,
        Passage(t=datetime.now(UTC), lane=1, vehicle="car", direction="backward", speed_kmh=118, plates=doubtful),
    )  # fmt: skip
    card = page.get_by_test_id("violations").get_by_role("article").filter(has_text="118")
    expect(card).to_contain_text("Needs a second look")
    expect(card).to_contain_text("the plate could not be read for certain")
    expect(card).not_to_contain_text("chargeable")
    page.get_by_label("Standing").select_option("chargeable")
    expect(card).to_have_count(0)


def test_a_station_shows_the_air_index_with_its_band_and_what_decided_it(told: Told, visit: Open) -> None:
    row = told.connection.execute(NUMBER_OF, (STATION,)).fetchone()
    assert row is not None
    for code, figure in ((AQI, 132.0), (AQI_MAIN, float(PM25))):
        told.hour(int(row[0]), code, figure)
    page = visit().page
    page.keyboard.press("/")
    page.keyboard.type(STATION)
    expect(page.get_by_role("option").first).to_contain_text(STATION)
    page.keyboard.press("Enter")
    panel = page.get_by_role("complementary", name=STATION)
    expect(panel).to_contain_text("132 Thai AQI · Starting to affect health")
    expect(panel).to_contain_text("decided by PM2.5")
