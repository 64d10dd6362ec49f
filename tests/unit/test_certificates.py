"""The broker's certificates: made once, renewed before they end, keys for their owner alone."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from app.services.certificate_files import broker_certificate, hand_over, own_certificate
from app.services.certificates import CA_LASTS, CERTIFICATE_LASTS, RENEWED_BEFORE, KeyPair, make_ca, make_certificate
from app.services.listeners import CA_FILE, BrokerSettings
from contracts.errors import ConfigError

START = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def certified(pair: KeyPair) -> set[str]:
    """The names and addresses that a certificate is made out to."""
    certificate = x509.load_pem_x509_certificate(pair.certificate)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in names}


def test_a_second_start_changes_nothing(tmp_path: Path) -> None:
    first = broker_certificate(tmp_path, now=START)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*.*")}
    assert broker_certificate(tmp_path, now=START + DAY) == first
    assert {file: file.read_bytes() for file in tmp_path.rglob("*.*")} == before


def test_a_certificate_is_made_anew_before_its_end_and_not_long_before(tmp_path: Path) -> None:
    first = broker_certificate(tmp_path, now=START)
    ca = (tmp_path / CA_FILE).read_bytes()
    due = START + CERTIFICATE_LASTS - RENEWED_BEFORE
    assert broker_certificate(tmp_path, now=due - DAY) == first
    second = broker_certificate(tmp_path, now=due)
    assert second != first
    assert second.ends == due + CERTIFICATE_LASTS
    assert (tmp_path / CA_FILE).read_bytes() == ca, "devices keep what they were given"


def test_one_that_was_made_by_a_clock_that_was_ahead_is_made_anew(tmp_path: Path) -> None:
    broker_certificate(tmp_path, now=START)
    ahead = broker_certificate(tmp_path, now=START + 1_000 * DAY)
    assert broker_certificate(tmp_path, now=START + DAY) != ahead


def test_no_certificate_outlives_its_ca(tmp_path: Path) -> None:
    broker_certificate(tmp_path, now=START)
    assert broker_certificate(tmp_path, now=START + CA_LASTS - 100 * DAY).ends == START + CA_LASTS


@pytest.mark.parametrize("now", [datetime(1970, 1, 1, tzinfo=UTC), START + CA_LASTS], ids=["a clock unset", "over"])
def test_a_ca_that_does_not_hold_today_is_said_and_never_replaced(tmp_path: Path, now: datetime) -> None:
    """A machine that wakes up in 1970 would make a CA that no device knows."""
    broker_certificate(tmp_path, now=START)
    before = (tmp_path / CA_FILE).read_bytes()
    with pytest.raises(ConfigError, match="set the clock; if it is right, remove the CA"):
        broker_certificate(tmp_path, now=now)
    assert (tmp_path / CA_FILE).read_bytes() == before


def test_it_is_made_out_to_this_machine_and_anew_for_other_names(tmp_path: Path) -> None:
    first = certified(broker_certificate(tmp_path, now=START))
    assert {"localhost", "127.0.0.1", "::1"} <= first
    settings = BrokerSettings(host="10.0.0.7", names="mqtt.phuket.example, 192.168.1.2,")
    second = certified(broker_certificate(tmp_path, settings.all_names, now=START))
    assert second == first | {"mqtt.phuket.example", "192.168.1.2", "10.0.0.7"}
    assert certified(broker_certificate(tmp_path, now=START)) == first


def test_keys_are_their_owners_alone_and_the_ca_is_everybodys(tmp_path: Path) -> None:
    broker_certificate(tmp_path, now=START)
    modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.rglob("*")}
    assert modes == {CA_FILE: 0o644, "tls": 0o700, "ca.key": 0o600, "broker.key": 0o600, "broker.pem": 0o644}
    assert b"PRIVATE KEY" not in (tmp_path / CA_FILE).read_bytes()


def test_the_key_of_the_ca_is_not_handed_to_the_broker(tmp_path: Path) -> None:
    folder = tmp_path / "broker"
    folder.mkdir()
    assert hand_over(tmp_path, BrokerSettings(), folder)
    assert not hand_over(tmp_path, BrokerSettings(), folder), "nothing is new"
    key = (tmp_path / "tls" / "ca.key").read_text("utf-8")
    handed = {file.name: file.read_text("utf-8") for file in folder.iterdir()}
    assert set(handed) == {"house.pem", "house.key", "field.pem", "field.key"}
    assert key not in handed.values()
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}


@pytest.mark.parametrize("open_to_others", ["tls", "tls/ca.key", "tls/broker.key"])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, open_to_others: str) -> None:
    broker_certificate(tmp_path, now=START)
    (tmp_path / open_to_others).chmod(0o755)
    with pytest.raises(ConfigError, match="others may"):
        broker_certificate(tmp_path, now=START)


def test_a_ca_without_its_key_is_not_replaced_behind_the_devices_back(tmp_path: Path) -> None:
    broker_certificate(tmp_path, now=START)
    (tmp_path / "tls" / "ca.key").unlink()
    with pytest.raises(ConfigError, match="bring it back, or remove the CA"):
        broker_certificate(tmp_path, now=START)


def test_a_start_that_was_cut_off_between_two_files_is_no_obstacle(tmp_path: Path) -> None:
    broker_certificate(tmp_path, now=START)
    (tmp_path / CA_FILE).unlink()  # its key came first
    renewed = broker_certificate(tmp_path, now=START)
    (tmp_path / "tls" / "broker.key").write_bytes(make_ca(START).key)
    assert broker_certificate(tmp_path, now=START) != renewed


def test_a_key_is_in_no_text_of_a_pair() -> None:
    pair = make_ca(START)
    assert "PRIVATE" not in f"{pair} {pair!r}"


def test_a_certificate_of_ones_own_needs_its_key(tmp_path: Path) -> None:
    ca = make_ca(START)
    one, other = (make_certificate(ca, ("a.example",), START) for _ in range(2))
    certificate, key = tmp_path / "own.pem", tmp_path / "own.key"
    certificate.write_bytes(one.certificate + ca.certificate)
    with pytest.raises(ConfigError, match=r"broker\.certificate.*No such file"):
        own_certificate(certificate, key)
    key.write_bytes(other.key)
    with pytest.raises(ConfigError, match=r"broker\.key.*is not the key of"):
        own_certificate(certificate, key)
    key.write_text("nonsense")
    with pytest.raises(ConfigError, match=r"broker\.certificate"):
        own_certificate(certificate, key)
    key.write_bytes(one.key)
    assert own_certificate(certificate, key).certificate == one.certificate + ca.certificate


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"host": "mqtt.phuket.example"}, "broker.host"),
        ({"host": "::1"}, "broker.host"),
        ({"port": 70_000}, "broker.port"),
        ({"names": "a.example b.example"}, "broker.names"),
        ({"names": "*"}, "broker.names"),
        ({"certificate": Path("own.pem")}, "broker.certificate"),
        ({"key": Path("own.key")}, "broker.certificate"),
    ],
)
def test_settings_that_cannot_be_are_refused(given: dict[str, object], key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        BrokerSettings(**given)  # type: ignore[arg-type]
    assert refused.value.key == key
