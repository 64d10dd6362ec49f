"""A rule that the engine cannot work with is refused where the city's files are read, before any database sees them."""

from pathlib import Path

import pytest

from app.cli import main

CITY = b'id = "phuket"\nname_en = "Phuket"\nname_th = "Phuket"\nlon = 98.3\nlat = 7.9\n'
RULES = b'[[rules]]\nid = "noise"\nkind = "exceedance"\nmetric = "leq"\n'
METRICS = b'[[metrics]]\nkey = "leq"\ncode = 1\nunit = "dB"\nmin = 0\nmax = 140\nname_en = "sound"\nname_th = "sound"\n'


@pytest.mark.parametrize("command", [["check-config"], ["city", "import"], ["city", "diff"]])
def test_a_rule_without_what_it_needs_is_named_in_one_line(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "phuket"
    folder.mkdir()
    for name, content in (("city.toml", CITY + METRICS), ("rules.toml", RULES)):
        (folder / name).write_bytes(content)
    monkeypatch.setenv("ANDAMAN_CITIES_DIR", str(tmp_path))
    monkeypatch.setenv("ANDAMAN_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    assert main(command) == 1
    said = capsys.readouterr().err
    assert "phuket: rules.noise.params.limit = None: a rule of kind exceedance needs it" in said
    assert said.count("\n") == 1


def test_an_alarm_without_its_rationalised_entry_is_named_before_any_database_sees_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "phuket"
    folder.mkdir()
    (folder / "city.toml").write_bytes(CITY + METRICS)
    (folder / "rules.toml").write_bytes(RULES + b"params = { limit = 70.0 }\n")
    monkeypatch.setenv("ANDAMAN_CITIES_DIR", str(tmp_path))
    assert main(["check-config"]) == 1
    assert "responses.kind = 'broker-drops': the pipeline itself can raise it" in capsys.readouterr().err
