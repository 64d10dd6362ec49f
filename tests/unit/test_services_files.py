"""What the services keep on the disk: secrets nobody else reads, logs that stay small; and ports that are free."""

import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.services import broker_settings, folders, logfile, ports, secret_file
from app.setup import programs
from contracts.errors import AndamanError, ConfigError


def test_passwords_are_made_once_and_kept_from_others(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    first = secret_file.passwords_for(["one", "two"], path)
    assert secret_file.passwords_for(["two", "three"], path)["two"] == first["two"]
    assert secret_file.passwords_for(["one"], path) == {"one": first["one"]}
    assert len(set(first.values())) == 2
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="others may read it"):
        secret_file.passwords_for(["one"], path)


def test_a_secret_is_made_once_whole_and_kept_from_others(tmp_path: Path) -> None:
    path = tmp_path / "token.secret"
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: secret_file.secret_bytes(path, 32), range(64)))
    assert {len(each) for each in made} == {32} and len(made) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["token.secret"]
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="others may read it"):
        secret_file.secret_bytes(path, 32)


def test_a_large_log_is_set_aside_and_its_writer_goes_on_at_the_new_end(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    with path.open("ab", buffering=0) as writer:
        writer.write(b"old" * 10)
        logfile.rotate(path, bytes_max=20)
        writer.write(b"new")
    assert path.read_bytes() == b"new"
    assert path.with_name("a.log.1").read_bytes() == b"old" * 10


def test_logs_are_their_owners_alone_also_those_of_an_earlier_version(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"old" * 10)
    path.with_name("a.log.1").write_bytes(b"older")
    path.chmod(0o644)
    with logfile.open_log(path) as writer:
        writer.write(b"new")
    logfile.rotate(path, bytes_max=20)
    assert path.with_name("a.log.1").read_bytes() == b"old" * 10 + b"new"
    assert {each.stat().st_mode & 0o777 for each in tmp_path.iterdir()} == {0o600}


def test_nobody_else_can_hold_the_lock_of_a_service(tmp_path: Path) -> None:
    lock = tmp_path / "a.lock"
    lock.touch(0o644)
    with folders.hold(lock, "it"):
        assert lock.stat().st_mode & 0o777 == 0o600
        with pytest.raises(ConfigError, match="it runs here already"):
            folders.hold(lock, "it")
    folders.hold(lock, "it").close()


def test_a_services_folder_is_never_what_a_link_leads_to(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    theirs.chmod(0o755)
    (tmp_path / "link").symlink_to(theirs)
    (tmp_path / "file").touch()
    for name in ("link", "file"):
        with pytest.raises(ConfigError, match="is no folder of ours"):
            folders.service_folder(tmp_path / name)
    assert theirs.stat().st_mode & 0o777 == 0o755
    assert folders.service_folder(theirs).stat().st_mode & 0o777 == 0o700


def test_a_password_is_stored_as_mosquitto_does() -> None:
    kind, iterations, salt, digest = broker_settings.password_hash("x", bytes(12)).split("$")[1:]
    assert (kind, iterations, salt) == ("7", "101", "A" * 16)
    assert len(digest) == 88
    assert broker_settings.password_hash("x") != broker_settings.password_hash("x")


def test_a_server_whose_port_was_taken_meanwhile_starts_on_another() -> None:
    tried: list[int] = []
    with socket.socket() as other:

        def start(port: int) -> None:
            tried.append(port)
            if len(tried) == 1:
                other.bind((ports.LOOPBACK, port))
                other.listen()
                raise AndamanError("address in use")

        ports.with_free_port(None, 20_000, "a port", start)
    assert len(tried) == 2
    assert tried[0] != tried[1]


def test_a_server_that_fails_for_another_reason_is_not_tried_again() -> None:
    tried: list[int] = []

    def start(port: int) -> None:
        tried.append(port)
        raise AndamanError("broken")

    with pytest.raises(AndamanError, match="broken"):
        ports.with_free_port(None, 20_000, "a port", start)
    assert len(tried) == 1


@pytest.mark.parametrize("port", [0, -1, 65_536])
def test_what_is_no_port_is_named(port: int) -> None:
    with pytest.raises(ConfigError, match="MQTT port"):
        ports.require_port(port, "MQTT port")


@pytest.mark.parametrize(
    ("version", "has_timescale", "used"), [(17, True, True), (17, False, False), (14, True, False)]
)
def test_the_hosts_own_postgres_is_used_only_with_timescaledb_and_new_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int, has_timescale: bool, used: bool
) -> None:
    monkeypatch.setattr(programs, "HOST_POSTGRES", tmp_path)
    for path in ("bin/postgres", *(["lib/timescaledb.so"] if has_timescale else [])):
        file = tmp_path / str(version) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    assert bool(programs._host_database()) is used
