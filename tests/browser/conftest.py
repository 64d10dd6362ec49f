"""The operators' page over the real thing: database, broker, pipeline and API as processes, and a browser before it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

import msgspec
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from app.services.ports import choose_port
from app.wiring import city_files
from contracts.answers import Role
from contracts.city import City
from storage.desk import DatabaseDesk
from storage.pool import Pool
from tests.fixtures.path_rig import PASSWORD, PROJECT, PathRig, Process, path_rig
from tests.servers import BrokerServer

HTTP_PORT: Final = 18_000
"""Where free ports are looked for: away from those of `make run`."""
PATIENCE_MS: Final = 60_000
"""A map drawn by two processors beside other tests; what a person waits for has its own bound in the test."""
A_DAY_S: Final = 86_400.0
MISSED_S: Final = 2.0
FOR_GOOD: Final = date(2999, 1, 1)
"""Nothing of a camera out of calibration is chargeable, and these tests go by today's clock."""
LAPTOP: Final = (1280, 800)
CONTROL_ROOM: Final = (1920, 1080)
PHONE: Final = (390, 844)
CONNECTED: Final = re.compile("Live|No data|สด|ไม่มีข้อมูลเข้า")
"""Without simulators nothing comes unless a test publishes it."""
MEANINGLESS: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\.\d{6}(?!\d)")
"""Ids and microseconds: one in a few thousand holds the four digits of a plate."""


@dataclass
class LiveConsole:
    """A running city with its page; one person a role, named like the role."""

    path: PathRig
    port: int
    api: Process | None = None
    started: list[Process] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://127.0.0.1:{self.port}"

    def start_api(self) -> None:
        """Serve API and page, always at the same port: a browser that lost them finds them again."""
        environment = {
            **self.path.environment,
            "ANDAMAN_DATABASE_URL": self.path.dsn("api"),
            "ANDAMAN_HTTP_PORT": str(self.port),
        }
        self.api = Process(["api"], environment)
        self.started.append(self.api)
        self.api.await_line("serving http://")

    def kill_api(self) -> None:
        """As a power cut would."""
        assert self.api is not None
        self.api.kill()


def patient_city(quickly_silent: str | None) -> City:
    """Phuket, whose devices are calibrated for good and may be silent for a day, but for one that is missed at once."""
    city = city_files(PROJECT / "cities" / "phuket")
    devices = (
        msgspec.structs.replace(device, cadence_s=1.0, silent_after_s=MISSED_S, calibrated_until=FOR_GOOD)
        if device.id == quickly_silent
        else msgspec.structs.replace(device, silent_after_s=A_DAY_S, calibrated_until=FOR_GOOD)
        for device in city.devices
    )
    return msgspec.structs.replace(city, devices=tuple(devices))


@pytest.fixture(scope="module")
def live_console(
    role_dsn: Callable[[str], str],
    broker: BrokerServer,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[LiveConsole]:
    """Phuket without simulators: nothing happens but what a test publishes. A module may name its QUICKLY_SILENT
    device."""
    folder: Path = tmp_path_factory.mktemp("console")
    city = patient_city(getattr(request.module, "QUICKLY_SILENT", None))
    with path_rig(role_dsn, broker, folder, city) as path:
        pool = Pool(role_dsn("api"), "tests")
        desk = DatabaseDesk(pool)
        for role in Role:
            desk.add_user(role.value, role, PASSWORD)
        pool.close()
        console = LiveConsole(path, choose_port(HTTP_PORT, "127.0.0.1"))
        path.pipeline()
        console.start_api()
        try:
            yield console
        finally:
            for process in console.started:
                if process.child.poll() is None:
                    process.kill()


def legible(text: str) -> str:
    """What somebody could read a plate in: the text without ids and microseconds."""
    return MEANINGLESS.sub("", text)


@dataclass
class Visit:
    """One browser window with what it asked for and complained about."""

    page: Page
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def sign_in(self, url: str, name: str, password: str = PASSWORD) -> None:
        """Open the page, sign in, and wait for the city."""
        self.page.goto(url)
        self.page.locator("input[name=username]").fill(name)
        self.page.locator("input[name=password]").fill(password)
        self.page.locator("button[type=submit]").click()

    def city(self) -> None:
        """Wait until the city is shown and the stream is live."""
        expect(self.page.locator("header [role=status]")).to_have_text(CONNECTED)


Open = Callable[..., Visit]


@pytest.fixture
def visit(browser: Browser, live_console: LiveConsole) -> Iterator[Open]:
    """`visit(role, size, language)`: a window of its own, signed in and live unless the role is None."""
    contexts: list[BrowserContext] = []
    expect.set_options(timeout=PATIENCE_MS)

    def open_window(
        role: str | None = "operator",
        size: tuple[int, int] = LAPTOP,
        language: str = "en",
        reduced_motion: bool = False,
    ) -> Visit:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            has_touch=size == PHONE,
            locale={"en": "en-GB", "th": "th-TH"}[language],
            reduced_motion="reduce" if reduced_motion else "no-preference",
        )
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        made = Visit(page)
        page.on("request", lambda request: made.asked.append(request.url))
        page.on("pageerror", lambda error: made.complaints.append(str(error)))
        page.on(
            "console", lambda said: made.complaints.append(said.text) if said.type in ("error", "warning") else None
        )
        if role:
            made.sign_in(live_console.url, role)
            made.city()
        else:
            page.goto(live_console.url)
        return made

    yield open_window
    for context in contexts:
        context.close()
