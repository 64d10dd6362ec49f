"""config.example.toml shows every option as it is; whoever mistypes one is told which, where, and what there is."""

import re
import tomllib
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import pytest

from app.cli import main
from app.settings import Settings, environment_name, keys, load, tables
from contracts.errors import ConfigError

PROJECT = Path(__file__).parents[2]
EXAMPLE = PROJECT / "config.example.toml"
LINES = EXAMPLE.read_text("utf-8").splitlines()
NOWHERE: dict[str, str] = {}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def refusal(environment: dict[str, str], file: Path | None = None) -> str:
    """What a person reads when these settings are refused."""
    with pytest.raises(ConfigError) as refused:
        load(environment, file or EXAMPLE)
    return str(refused.value)


# ------------------------------------------------------------------------------------------------------- the example


def test_the_example_has_every_option_and_no_other() -> None:
    content = tomllib.loads(EXAMPLE.read_text("utf-8"))
    shown = {("", name) for name in content if name not in tables()}
    shown |= {(table, name) for table in tables() if table for name in content[table]}
    assert shown == {(table, name) for table in tables() for name in keys(table)}
    assert sum(len(fields(holder)) for holder in tables().values()) == len(shown) + len(tables()) - 1


def test_the_example_has_every_default() -> None:
    assert load(NOWHERE, EXAMPLE) == Settings()


def test_the_example_gives_a_reason_above_every_option_and_table() -> None:
    shown = [(above, line) for above, line in pairwise(LINES) if re.match(r"\w+ = |\[", line)]
    assert len(shown) > len(tables())
    assert [line for above, line in shown if not above.startswith("# ")] == []


def test_the_example_is_in_the_order_of_the_code() -> None:
    shown = [match[1] for line in LINES if (match := re.match(r"(\w+) = ", line))]
    assert shown == [name for table in tables() for name in keys(table)]


def test_a_default_in_the_example_that_is_not_the_codes_is_noticed(config: Path) -> None:
    config.write_text(EXAMPLE.read_text("utf-8").replace("linger_ms = 20", "linger_ms = 21"))
    assert load(NOWHERE, config) != Settings()


# --------------------------------------------------------------------------------------------------- which one counts


def test_the_environment_goes_before_the_file_and_the_file_before_the_default(config: Path) -> None:
    config.write_text("[pipeline]\nlinger_ms = 30\nmark_s = 2")
    settings = load({"ANDAMAN_PIPELINE_LINGER_MS": "40"}, config)
    assert settings.pipeline.linger_ms == 40
    assert settings.pipeline.mark_s == 2.0
    assert settings.pipeline.batch_messages == Settings().pipeline.batch_messages


def test_the_variable_for_the_file_goes_before_the_usual_file(config: Path) -> None:
    config.write_text('city = "elsewhere"')
    assert load({"ANDAMAN_CONFIG": str(config)}).city == "elsewhere"


def test_a_missing_file_that_nobody_named_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("app.settings.PROJECT", tmp_path)
    assert load(NOWHERE) == Settings()


def test_variables_of_others_and_of_the_tests_are_none_of_ours() -> None:
    assert load({"PATH": "/bin", "ANDAMAN_TEST_DSN": "postgresql://x"}, EXAMPLE) == Settings()


def test_every_variable_that_check_config_shows_is_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANDAMAN_CONFIG", str(EXAMPLE))
    assert main(["check-config"]) == 0
    shown = re.findall(r"^(ANDAMAN_\w+) ", capsys.readouterr().out, re.MULTILINE)
    assert shown == [environment_name(table, name) for table in tables() for name in keys(table)]
    for table in tables():
        holder = getattr(Settings(), table) if table else Settings()
        for name in keys(table):
            text = str(getattr(holder, name)).lower() if name == "secure" else str(getattr(holder, name))
            assert load({environment_name(table, name): text}, EXAMPLE) == Settings(), name


def test_check_config_shows_what_was_changed_and_no_password(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANDAMAN_CONFIG", str(EXAMPLE))
    monkeypatch.setenv("ANDAMAN_PIPELINE_LINGER_MS", "25")
    monkeypatch.setenv("ANDAMAN_DATABASE_URL", "postgresql://who:hunter2@there/andaman")
    assert main(["check-config"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"^ANDAMAN_PIPELINE_LINGER_MS +25 +\(default: 20\)$", said, re.MULTILINE)
    assert re.search(r"^ANDAMAN_PIPELINE_COMMITS_AHEAD +2$", said, re.MULTILINE)
    assert "hunter2" not in said


# ------------------------------------------------------------------------------------------------- what is said if not


def test_a_typo_in_a_tables_key_names_file_key_value_and_what_there_is(config: Path) -> None:
    config.write_text("[pipeline]\nlinger_msec = 30")
    said = refusal(NOWHERE, config)
    assert said.startswith(f"{config}: pipeline.linger_msec = 30: is no setting; did you mean pipeline.linger_ms?")
    assert "There are pipeline.shard, pipeline.space, pipeline.batch_messages, " in said


def test_a_typo_above_all_tables_is_named_with_the_tables_there_are(config: Path) -> None:
    config.write_text('citty = "phuket"')
    said = refusal(NOWHERE, config)
    assert said.startswith(f"{config}: citty = 'phuket': is no setting; did you mean city? There are city, cities_dir,")
    assert "[pipeline]" in said


def test_an_unknown_table_is_named_like_a_table(config: Path) -> None:
    config.write_text("[pipelines]\nshard = 0")
    assert refusal(NOWHERE, config).startswith(
        f"{config}: [pipelines] = '...': is no setting; did you mean [pipeline]?"
    )


def test_a_value_where_a_table_belongs_is_explained(config: Path) -> None:
    config.write_text("http = 8000")
    assert refusal(NOWHERE, config) == f"{config}: http = 8000: is a table: write [http] and its settings below"


def test_a_typo_in_the_environment_names_the_variable_and_what_there_is() -> None:
    said = refusal({"ANDAMAN_PIPELINE_LINGER": "30"})
    assert said.startswith("environment: ANDAMAN_PIPELINE_LINGER = '30': is no setting; ")
    assert "did you mean ANDAMAN_PIPELINE_LINGER_MS? There are ANDAMAN_CITY, " in said


def test_a_variable_that_only_begins_like_the_files_is_a_typo() -> None:
    assert "did you mean ANDAMAN_CONFIG?" in refusal({"ANDAMAN_CONFIGG": "x.toml"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ANDAMAN_DATABSE_URL", "postgresql://who:hunter2@there/andaman"),
        ("ANDAMAN_MQTT_PASSWORD", "hunter2"),
    ],
)
def test_a_secret_under_a_misspelt_name_is_not_shown(name: str, value: str) -> None:
    said = refusal({name: value})
    assert said.startswith(f"environment: {name} = '...': is no setting; ")
    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[pipeline]\nlinger_ms = "fast"', "pipeline.linger_ms = 'fast': must be a whole number"),
        ('[http]\nport = "8000"', "http.port = '8000': must be a whole number"),
        ("[http]\nsecure = 1", "http.secure = 1: must be true or false"),
        ("[limits]\nfuture_s = nan", "limits.future_s = nan: must be a number"),
        ("[pipeline]\nsnapshot_s = inf", "pipeline.snapshot_s = inf: must be a number"),
        ("city = 7", "city = 7: must be text"),
        ("data_dir = 7", "data_dir = 7: must be a path as text"),
        ("[http]\nport = 70000", "http.port = 70000: must be 0 to 65535"),
        ('[http]\nproxy = "*"', "http.proxy = '*': must be an address or a network, such as 10.0.0.7 or 172.16.0.0/12"),
        ("[intake]\nkeepalive_s = 1", "intake.keepalive_s = 1: must be 5 to 65535"),
        ("[limits]\npast_days = 0", "limits.past_days = 0.0: must be above 0"),
        ('[pipeline]\nspace = "real"', "pipeline.space = 'real': must be live or simulated or replay"),
        ("[pipeline]\nshard = -1", "pipeline.shard = -1: must not be negative"),
        ('log_level = "LOUD"', "log_level = 'LOUD': must be DEBUG, INFO, WARNING or ERROR"),
        (
            'database_url = "mysql://who:hunter2@there/x"',
            "database_url = '...': write it as postgresql://user:password@host:5432/andaman",
        ),
        (
            'mqtt_url = "there:1883"',
            "mqtt_url = 'there://': write it as mqtt://user:password@host:1883 or mqtts://...",
        ),
        (
            'mqtt_url = "mqtt://who:hunter2@10.0.0.7:1883"',
            "mqtt_url = 'mqtt://10.0.0.7': passwords and plates never cross a network in clear: "
            "write mqtts://, and mqtt_ca for its CA",
        ),
        ('[broker]\nhost = "everywhere"', "broker.host = 'everywhere': must be an IPv4 address, such as 0.0.0.0"),
    ],
)
def test_a_value_that_cannot_be_is_named_with_what_can(config: Path, text: str, said: str) -> None:
    config.write_text(text)
    assert refusal(NOWHERE, config) == f"{config}: {said}"


@pytest.mark.parametrize("url", ["mqtt://127.0.0.1", "mqtt://localhost:1884", "mqtts://10.0.0.7", "mqtts://there"])
def test_a_broker_on_this_machine_may_be_plain_and_any_other_is_encrypted(url: str) -> None:
    assert load({"ANDAMAN_MQTT_URL": url}, EXAMPLE).mqtt_url == url


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ANDAMAN_PIPELINE_LINGER_MS", "fast", "must be a whole number"),
        ("ANDAMAN_PIPELINE_LINGER_MS", "", "must be a whole number"),
        ("ANDAMAN_HTTP_SECURE", "yes", "must be true or false"),
        ("ANDAMAN_PIPELINE_MARK_S", "nan", "must be a number"),
        ("ANDAMAN_HTTP_PORT", "70000", "must be 0 to 65535"),
    ],
)
def test_a_variable_that_cannot_be_is_named_with_what_can(name: str, value: str, said: str) -> None:
    shown = repr(int(value)) if value.isdecimal() else repr(value)
    assert refusal({name: value}) == f"environment: {name} = {shown}: {said}"


def test_a_named_file_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    missing = tmp_path / "missing.toml"
    assert refusal({"ANDAMAN_CONFIG": str(missing)}) == (
        f"environment: ANDAMAN_CONFIG = '{missing}': there is no such file"
    )


def test_a_folder_in_the_files_place_is_explained(tmp_path: Path) -> None:
    said = refusal({"ANDAMAN_CONFIG": str(tmp_path)})
    assert said == f"environment: ANDAMAN_CONFIG = '{tmp_path}': cannot be read: Is a directory"


def test_a_file_that_is_not_toml_is_told_with_its_place(config: Path) -> None:
    config.write_text("city = phuket")
    assert re.search(r"is not TOML: .*line 1, column", refusal(NOWHERE, config))


def test_the_command_line_says_it_in_one_line_and_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANDAMAN_HTTP_PROT", "1")
    assert main(["check-config"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("andaman check-config: environment: ANDAMAN_HTTP_PROT = '1': is no setting; did you mean ")
    assert said.count("\n") == 1
