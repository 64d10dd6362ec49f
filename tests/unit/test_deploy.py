"""deploy/ fits the product, as far as that can be seen without a container engine."""

import re
import shlex
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from app import accounts, wiring
from app.cli import parser
from app.commands.services import simulate
from app.services.broker_settings import BrokerLimits, broker_settings
from app.services.database import ROLES
from app.services.database_settings import ROLES_SQL, server_settings
from app.settings import Settings, environment_name, keys, load, tables
from contracts.errors import ConfigError
from tests.fixtures.compose import DEPLOY, EXAMPLE, compose, services, variables
from tests.fixtures.small_city import small_city

PROJECT = DEPLOY.parent
SECRETS = dict.fromkeys(variables(needed=True), "aSecret1")
SERVICES = services(SECRETS)
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
LONG_RUNNING = sorted(OURS.keys() - {"prepare"})


def words(service: dict[str, Any]) -> list[list[str]]:
    """The `andaman` commands that a service runs, without the first word."""
    if "entrypoint" in service:
        return [shlex.split(line)[1:] for line in service["command"][0].splitlines()]
    return [service["command"]]


def awaited(name: str) -> set[str]:
    """Every service that one waits for, directly or not."""
    direct = set(SERVICES[name].get("depends_on", {}))
    return direct.union(*(awaited(each) for each in direct))


# ------------------------------------------------------------------------------------------------------ the services


def test_there_is_a_service_for_every_process_of_a_city() -> None:
    assert set(SERVICES) == {"database", "prepare", "broker", "accounts", "pipeline", "api", "worker", "simulate"}


def test_an_environment_file_that_lacks_a_password_stops_everything() -> None:
    for name in SECRETS:
        with pytest.raises(KeyError, match=name):
            compose({**SECRETS, name: ""})


def test_the_example_of_the_environment_file_names_every_variable_and_no_password() -> None:
    lines = [line.partition("=") for line in EXAMPLE.read_text("utf-8").splitlines() if re.match(r"\w+=", line)]
    assert {name for name, _, _ in lines} == variables(needed=True) | variables(needed=False)
    assert [name for name, _, value in lines if value and "PASSWORD" in name] == []


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_command_is_one_of_ours(name: str) -> None:
    for each in words(OURS[name]):
        assert parser().parse_args(each).command == each[0]
    health = OURS[name].get("healthcheck", {}).get("test", [])
    if "andaman" in health:
        parser().parse_args(health[health.index("andaman") + 1 :])


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_setting_is_one_and_is_legal(name: str) -> None:
    known = {environment_name(table, key) for table in tables() for key in keys(table)}
    environment = OURS[name]["environment"]
    assert set(environment) <= known
    settings = load(environment, PROJECT / "config.example.toml")
    assert settings.database_url.endswith("@database:5432/andaman")
    assert (settings.mqtt_url, str(settings.mqtt_ca)) in (("", "."), ("mqtts://broker:18830", "/data/broker-ca.pem"))


def test_every_process_signs_in_with_the_role_of_its_work() -> None:
    def role(service: dict[str, Any]) -> str:
        match = re.match(r"postgresql://(\w+):", service["environment"]["ANDAMAN_DATABASE_URL"])
        assert match is not None
        return match[1]

    used = {name: role(service) for name, service in OURS.items()}
    assert used == {
        "prepare": ROLES["owner"],
        "accounts": ROLES["worker"],
        "pipeline": ROLES["pipeline"],
        "api": ROLES["api"],
        "worker": ROLES["worker"],
        "simulate": ROLES["pipeline"],
    }


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_schema_city_and_accounts_come_before_all_others(name: str) -> None:
    assert "prepare" in awaited(name)
    done = [each[0] for each in words(OURS["prepare"])]
    assert done == ["migrate", "city", "broker-accounts", "broker-certificate"]


def test_pipeline_and_simulated_devices_agree_on_what_the_city_is() -> None:
    for space in ("live", "simulated"):
        made = services({**SECRETS, "SPACE": space})
        assert {made[name]["environment"]["ANDAMAN_PIPELINE_SPACE"] for name in ("pipeline", "simulate")} == {space}


def test_simulated_devices_refuse_to_speak_to_a_real_city(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"pipeline\.space = 'live': simulated devices never speak to a real city"):
        simulate(Settings(data_dir=tmp_path), parser().parse_args(["simulate"]))


def test_a_city_that_was_changed_is_not_overwritten_by_a_start() -> None:
    assert ["city", "import", "--if-missing"] in words(OURS["prepare"])


def test_only_who_seals_or_opens_plates_has_the_keys() -> None:
    holders = {name for name, service in SERVICES.items() if "keys:/data/keys" in service.get("volumes", ())}
    assert holders == {"pipeline", "api", "worker"}


def test_only_who_makes_the_brokers_certificates_has_the_key_of_their_ca() -> None:
    assert {name for name, service in SERVICES.items() if "ca:/data/tls" in service.get("volumes", ())} == {"prepare"}


def test_the_broker_shows_the_certificates_that_prepare_writes() -> None:
    given = embedded((DEPLOY / "broker" / "mosquitto.conf").read_text("utf-8"), " ")
    folder = parser().parse_args(words(OURS["prepare"])[3]).folder
    assert given["certfile"] == [f"{folder}/house.pem", f"{folder}/field.pem"]
    assert given["keyfile"] == [f"{folder}/house.key", f"{folder}/field.key"]
    names = load(OURS["prepare"]["environment"], PROJECT / "config.example.toml").broker.all_names
    assert "broker" in names, "that is what our processes call it"


def test_every_volume_and_network_is_declared_and_used() -> None:
    whole = compose(SECRETS)
    mounted = {each.partition(":")[0] for service in SERVICES.values() for each in service.get("volumes", ())}
    assert {name for name in mounted if not name.startswith(".")} == set(whole["volumes"])
    assert all((DEPLOY / name).is_file() for name in mounted if name.startswith("."))
    assert {name for service in SERVICES.values() for name in service["networks"]} == set(whole["networks"])


def test_nothing_is_open_to_a_network_unless_somebody_says_so() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert ports == ["127.0.0.1:8883:8883", "127.0.0.1:8000:8000"]
    assert compose(SECRETS)["networks"]["house"] == {"internal": True}
    assert SERVICES["database"]["networks"] == ["house"]


# ------------------------------------------------------------------------------------------------------- the servers


def embedded(text: str, separator: str) -> dict[str, list[str]]:
    """The settings in a configuration's text; some names come more than once."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, _, value = line.partition("#")[0].partition(separator)
        if value.strip():
            found.setdefault(name.strip(), []).append(value.strip().strip("'"))
    return found


def test_the_database_is_as_durable_and_discreet_as_the_embedded_one() -> None:
    ours = embedded(server_settings(5432, Path("/s"), Path("/l"), 512, 4), "=")
    given = {each.removeprefix("-c").partition("=")[::2] for each in SERVICES["database"]["command"][1:]}
    assert {name: [value] for name, value in given}.items() <= ours.items()
    needed = {"fsync", "full_page_writes", "synchronous_commit", "max_connections", "timescaledb.telemetry_level"}
    assert needed | {name for name in ours if name.startswith("log_min") or "parameter" in name} <= dict(given).keys()


def test_the_broker_is_as_strict_as_the_embedded_one() -> None:
    ours = embedded(broker_settings(1, Path("/b"), BrokerLimits(), ("0.0.0.0", 2)), " ")
    given = embedded((DEPLOY / "broker" / "mosquitto.conf").read_text("utf-8"), " ")
    places = {"listener", "certfile", "keyfile", "password_file", "acl_file", "pid_file", "persistence_location"}
    assert given.keys() == ours.keys() - {"pid_file"}
    assert {name: given[name] for name in given.keys() - places} == {name: ours[name] for name in ours.keys() - places}
    assert given["listener"] == ["18830", "8883"]
    assert len(given["certfile"]) == len(given["keyfile"]) == len(given["tls_version"]) == len(given["listener"])
    assert services(SECRETS)["broker"]["ports"] == ["127.0.0.1:8883:8883"]


def test_the_broker_reads_the_files_that_prepare_writes() -> None:
    given = embedded((DEPLOY / "broker" / "mosquitto.conf").read_text("utf-8"), " ")
    options = parser().parse_args(words(OURS["prepare"])[2])
    assert (given["password_file"], given["acl_file"]) == ([options.passwords], [options.acl])
    dockerfile = (DEPLOY / "Dockerfile").read_text("utf-8")
    uid = re.search(r"useradd --uid (\d+) --gid (\d+)", dockerfile)
    assert uid is not None and SERVICES["broker"]["user"] == f"{uid[1]}:{uid[2]}"


def test_who_keeps_the_accounts_writes_the_same_files_and_may_signal_the_broker() -> None:
    once, always = (parser().parse_args(each) for each in (words(OURS["prepare"])[2], words(OURS["accounts"])[0]))
    assert (always.passwords, always.acl, always.follow, always.pid) == (once.passwords, once.acl, True, "1")
    assert OURS["accounts"]["pid"] == "service:broker"


def test_account_files_are_the_owners_alone_and_name_everybody(tmp_path: Path) -> None:
    count = accounts.write_files(tmp_path, small_city(), tmp_path / "passwords", tmp_path / "acl")
    lines = (tmp_path / "passwords").read_text("utf-8").splitlines()
    devices = [device.id for device in small_city().devices]
    assert [line.partition(":")[0] for line in lines] == [*accounts.HOUSE, *devices]
    assert count == len(lines)
    assert (tmp_path / "acl").read_text("utf-8").splitlines() == list(accounts.access(small_city()))
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_an_address_without_an_account_gets_the_one_that_was_made_and_no_other(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, mqtt_url="mqtts://broker:1883")
    assert wiring.mqtt_url(settings, accounts.PIPELINE) == "mqtts://broker:1883"
    password = accounts.passwords(tmp_path, [accounts.PIPELINE])[accounts.PIPELINE]
    assert wiring.mqtt_url(settings, accounts.PIPELINE) == f"mqtts://{accounts.PIPELINE}:{password}@broker:1883"
    named = Settings(data_dir=tmp_path, mqtt_url="mqtts://who:what@broker:1883")
    assert wiring.mqtt_url(named, accounts.PIPELINE) == "mqtts://who:what@broker:1883"


def test_the_roles_are_made_as_on_the_embedded_server() -> None:
    def statements(text: str) -> set[str]:
        lines = re.sub(r"--.*", "", text).replace("\n    ", " ").splitlines()
        plain = (re.sub(r":'(\w+)'|'\{(\w+)\}'", r"<\1\2>", " ".join(line.split())) for line in lines)
        return {line for line in plain if line and not line.startswith(("\\", "ALTER ROLE postgres", "CREATE EXT"))}

    assert statements((DEPLOY / "database" / "roles.sql").read_text("utf-8")) == statements(ROLES_SQL)


# --------------------------------------------------------------------------------------------------------- the image


def copied() -> list[str]:
    """What the Dockerfile takes from the project."""
    found = re.findall(r"^COPY (?!--from)(.+) \S+$", (DEPLOY / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    return [name.rstrip("/") for line in found for name in line.split()]


def test_the_image_takes_what_exists_and_every_package_of_the_product() -> None:
    packages = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]
    assert set(packages["targets"]["wheel"]["packages"]) <= set(copied())
    assert [name for name in copied() if not (PROJECT / name).exists()] == []


def test_the_builder_is_handed_what_is_copied_and_no_data() -> None:
    lines = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]

    def handed(path: str) -> bool:
        allowed = True
        for rule in rules:
            name = rule.removeprefix("!")
            if any(fnmatch(part, name) for part in (path, path.partition("/")[0])):
                allowed = rule.startswith("!")
        return allowed

    assert [name for name in copied() if not handed(name)] == []
    for kept in ("var/city/keys", ".venv/bin", "deploy/.env", "config.toml", ".git/config", "console/node_modules"):
        assert not handed(kept), kept


def test_the_libraries_are_those_of_the_lock_with_their_hashes() -> None:
    assert re.search(
        r"pip install .*--require-hashes .*-r /tmp/requirements\.lock", (DEPLOY / "Dockerfile").read_text()
    )
