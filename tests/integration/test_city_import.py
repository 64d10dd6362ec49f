"""What `andaman city import` says of what it leaves out."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from app.wiring import city_files
from storage.cities import Cities
from tests.fixtures.path_rig import PROJECT, Process


def test_devices_that_came_while_the_city_ran_and_are_in_no_file_are_named_when_an_import_takes_them_out(
    role_dsn: Callable[[str], str], tmp_path: Path
) -> None:
    files, store = city_files(PROJECT / "cities" / "phuket"), Cities(role_dsn("owner"))
    came = [msgspec.structs.replace(files.devices[0], id=f"came-{n}", call_sign="", no=0) for n in range(9)]
    store.add(msgspec.structs.replace(files, devices=(*files.devices, *came)), "test")
    environment = {"ANDAMAN_DATABASE_URL": role_dsn("api"), "ANDAMAN_DATA_DIR": str(tmp_path), "ANDAMAN_CITY": "phuket"}
    process = Process(["city", "import"], environment)
    assert process.wait() == 0
    process.await_line("9 devices were in force and are not in these files, so they left: came-0, came-1")
    newest = store.newest("phuket")
    assert newest is not None and len(newest.devices) == len(files.devices)
    again = Process(["city", "import"], environment)
    assert again.wait() == 0 and not any("so they left" in line for line in again.said)
