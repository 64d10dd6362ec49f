"""The broker's encryption, and who verifies what: wrong CAs, old certificates, other hosts, no encryption at all."""

import logging
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app import accounts
from app.doctoring import look
from app.services.certificates import KeyPair, make_ca, make_certificate
from app.services.listeners import BrokerSettings
from app.settings import Settings
from contracts.city import numbered
from contracts.errors import TransportError
from ingest.connection import IntakeState
from ingest.mqtt import Intake
from simulators.publish import Account, Line, connect
from tests.fixtures.small_city import small_city
from tests.fixtures.tcp_proxy import proxied
from tests.fixtures.wire_rig import WireRig, wire_rig

CITY = numbered(small_city())
DEVICE = CITY.devices[0]
STATUS = f"andaman/v1/{CITY.id}/{DEVICE.zone}/{DEVICE.id}/status"
NOW = datetime.now(UTC)
THIS_HOST = ("127.0.0.1",)
PATIENCE_S = 30.0


@pytest.fixture(scope="module")
def rig(run_folder: Path) -> Iterator[WireRig]:
    with wire_rig(run_folder / "tls", CITY) as rig:
        yield rig


def shown(url: str, ca: Path) -> dict[str, object]:
    """The certificate that a server shows, to a verifier that is as strict as Python 3.13's."""
    host, port = url.rpartition("/")[2].split(":")
    context = ssl.create_default_context(cafile=ca)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with socket.create_connection((host, int(port))) as bare, context.wrap_socket(bare, server_hostname=host) as tls:
        certificate = tls.getpeercert()
    assert certificate
    return dict(certificate)


def refusal_of_a_device(account: Account) -> str:
    with pytest.raises(TransportError) as refused:
        connect(Line(account, "device"), account.username)
    return str(refused.value)


def refusal_of_the_pipeline(url: str, ca: Path | None, timeout_s: float = 1.0) -> str:
    """What it says when its time is over; on a machine that was too busy to try within it, once more with patience."""
    states: list[IntakeState] = []
    intake = Intake(url, "pipeline", ["andaman/#"], states.append, lambda: 1, ca=ca)
    with pytest.raises(TransportError) as refused:
        intake.open(timeout_s)
    intake.close()
    if "no answer within" in str(refused.value) and timeout_s < PATIENCE_S:
        return refusal_of_the_pipeline(url, ca, PATIENCE_S)
    return str(refused.value)


# ------------------------------------------------------------------------------------------------- who is believed


def test_both_listeners_are_encrypted_and_pass_a_strict_verifier(rig: WireRig) -> None:
    assert rig.broker.url.startswith("mqtts://")
    for url in (rig.broker.url, rig.field_url):
        assert shown(url, rig.ca)["notAfter"]


def test_a_running_city_has_no_listener_without_encryption(rig: WireRig) -> None:
    lines = (rig.data / "broker" / "mosquitto.conf").read_text("utf-8").splitlines()
    assert (
        sum(line.startswith("listener ") for line in lines) == sum(line.startswith("certfile ") for line in lines) == 2
    )


@pytest.mark.parametrize("believed", ["another CA", "what the system trusts"])
def test_whoever_believes_another_ca_does_not_connect(rig: WireRig, tmp_path: Path, believed: str) -> None:
    other = tmp_path / "other.pem"
    other.write_bytes(make_ca(NOW).certificate)
    ca = other if believed == "another CA" else None
    account = rig.account(DEVICE.id)
    assert "certificate verify failed" in refusal_of_a_device(Account(account.url, DEVICE.id, account.password, ca))
    assert "certificate verify failed" in refusal_of_the_pipeline(rig.broker.url, ca)


def impostor(tmp_path: Path, pair: KeyPair) -> ssl.SSLContext:
    """A server that shows this certificate."""
    file = tmp_path / "impostor.pem"
    file.write_bytes(pair.certificate + pair.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def an_own_ca(tmp_path: Path) -> tuple[KeyPair, Path]:
    ca = make_ca(NOW - timedelta(days=1_000))
    file = tmp_path / "ca.pem"
    file.write_bytes(ca.certificate)
    return ca, file


@pytest.mark.parametrize(
    ("hosts", "made", "problem"),
    [
        (THIS_HOST, NOW - timedelta(days=500), "expired"),
        (THIS_HOST, NOW + timedelta(days=30), "not yet valid"),
        (("mqtt.phuket.example", "10.0.0.7"), NOW, "mismatch"),
    ],
    ids=["over", "not begun", "another host's"],
)
def test_a_certificate_that_is_not_good_here_and_now_is_refused(
    rig: WireRig, tmp_path: Path, hosts: tuple[str, ...], made: datetime, problem: str
) -> None:
    ca, file = an_own_ca(tmp_path)
    with proxied(rig.field_url, impostor(tmp_path, make_certificate(ca, hosts, made))) as proxy:
        assert problem in refusal_of_a_device(Account(proxy.url, DEVICE.id, "a password", file))
        assert problem in refusal_of_the_pipeline(proxy.url, file)


def test_a_certificate_that_signed_itself_is_refused(rig: WireRig, tmp_path: Path) -> None:
    with proxied(rig.field_url, impostor(tmp_path, make_ca(NOW))) as proxy:
        assert "certificate verify failed" in refusal_of_a_device(Account(proxy.url, DEVICE.id, "a password", rig.ca))
        assert "certificate verify failed" in refusal_of_the_pipeline(proxy.url, rig.ca)


def test_a_broker_certificate_cannot_vouch_for_another(rig: WireRig, tmp_path: Path) -> None:
    """Whoever steals the broker's key can be the broker, and nobody else."""
    ca, file = an_own_ca(tmp_path)
    stolen = make_certificate(ca, THIS_HOST, NOW)
    forged = make_certificate(stolen, THIS_HOST, NOW)
    chain = KeyPair(forged.certificate + stolen.certificate, forged.key)
    with proxied(rig.field_url, impostor(tmp_path, chain)) as proxy:
        assert "certificate verify failed" in refusal_of_a_device(Account(proxy.url, DEVICE.id, "a password", file))


# ------------------------------------------------------------------------------------------------- what is let in


def test_plain_text_to_either_listener_gets_no_answer_and_harms_nobody(rig: WireRig) -> None:
    for url in (rig.broker.url, rig.field_url):
        said = refusal_of_a_device(Account(url.replace("mqtts", "mqtt"), DEVICE.id, rig.account(DEVICE.id).password))
        assert "closed the connection" in said
    assert rig.connect(DEVICE.id).publish(STATUS)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
def test_an_outdated_version_of_tls_is_refused(rig: WireRig) -> None:
    context = ssl.create_default_context(cafile=rig.ca)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    host, port = rig.field_url.rpartition("/")[2].split(":")
    with (
        socket.create_connection((host, int(port))) as bare,
        pytest.raises(ssl.SSLError, match=r"(?i)protocol.version"),
    ):
        context.wrap_socket(bare, server_hostname=host)


def test_strangers_that_connect_and_say_nothing_keep_no_device_out(rig: WireRig) -> None:
    host, port = rig.field_url.rpartition("/")[2].split(":")
    silent = [socket.create_connection((host, int(port))) for _ in range(200)]
    try:
        assert rig.connect(DEVICE.id).publish(STATUS)
        assert rig.house(accounts.PIPELINE).ended == []
    finally:
        for each in silent:
            each.close()


def test_encryption_replaces_no_password(rig: WireRig) -> None:
    for name, password in ((DEVICE.id, "a guess"), ("", ""), ("stranger", "a guess"), (accounts.PIPELINE, "a guess")):
        for url in (rig.broker.url, rig.field_url):
            assert "authori" in refusal_of_a_device(Account(url, name, password, rig.ca)).lower()


# ------------------------------------------------------------------------------------------------- renewal


def test_a_new_certificate_is_shown_without_a_restart_and_ends_no_connection(run_folder: Path) -> None:
    with wire_rig(run_folder / "renewal", CITY) as rig:
        client, before = rig.connect(DEVICE.id), shown(rig.field_url, rig.ca)
        assert not rig.broker.renew(), "there is time"
        old = make_certificate(
            KeyPair(rig.ca.read_bytes(), (rig.data / "tls" / "ca.key").read_bytes()),
            THIS_HOST,
            NOW - timedelta(days=350),
        )
        (rig.data / "tls" / "broker.pem").write_bytes(old.certificate)
        (rig.data / "tls" / "broker.key").write_bytes(old.key)
        pid = rig.broker.pid
        assert rig.broker.renew()
        after = shown(rig.field_url, rig.ca)
        assert after["serialNumber"] != before["serialNumber"]
        assert after["serialNumber"] == shown(rig.broker.url, rig.ca)["serialNumber"]
        assert rig.broker.pid == pid
        assert client.publish(STATUS)
        assert client.ended == []


def test_one_shows_a_certificate_of_ones_own_to_devices_and_ours_to_the_house(run_folder: Path, tmp_path: Path) -> None:
    ca, file = an_own_ca(tmp_path)
    pair = make_certificate(ca, THIS_HOST, NOW)
    certificate, key = tmp_path / "own.pem", tmp_path / "own.key"
    certificate.write_bytes(pair.certificate)
    key.write_bytes(pair.key)
    with wire_rig(run_folder / "own", CITY, BrokerSettings(certificate=certificate, key=key)) as rig:
        before = shown(rig.field_url, file)
        assert "certificate verify failed" in refusal_of_a_device(rig.account(DEVICE.id))
        assert rig.house(accounts.PIPELINE).ended == []
        pair = make_certificate(ca, THIS_HOST, NOW)
        key.write_bytes(pair.key)
        certificate.write_bytes(pair.certificate)
        assert rig.broker.renew()
        assert shown(rig.field_url, file)["serialNumber"] != before["serialNumber"]


def test_the_doctor_says_how_long_the_certificate_holds(rig: WireRig) -> None:
    (finding,) = look(Settings(data_dir=rig.data), ["broker"])
    assert finding.well
    assert re.search(r"its certificate ends in 39[67] days", finding.says)


# ------------------------------------------------------------------------------------------------- what is written


def test_no_password_is_in_a_log_line_or_a_message(
    rig: WireRig, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Right ones and wrong ones, on both sides of the wire, where signing in fails and where it does not."""
    caplog.set_level(logging.DEBUG)
    right, wrong = rig.account(DEVICE.id), "Wr0ng-and-secret"
    said = [repr(right), refusal_of_a_device(Account(rig.field_url, DEVICE.id, wrong, rig.ca))]
    assert rig.connect(DEVICE.id).publish(STATUS)
    pipeline = rig.account(accounts.PIPELINE, rig.broker.url)
    said.append(refusal_of_the_pipeline(accounts.with_account(rig.broker.url, accounts.PIPELINE, wrong), rig.ca))
    said.append(
        refusal_of_the_pipeline(accounts.with_account(rig.broker.url, accounts.PIPELINE, pipeline.password), None)
    )
    environment = {
        "ANDAMAN_DATA_DIR": str(tmp_path),
        "ANDAMAN_MQTT_URL": accounts.with_account(rig.broker.url, accounts.RECORDER, wrong),
        "ANDAMAN_MQTT_CA": str(rig.ca),
        "ANDAMAN_LOG_LEVEL": "DEBUG",
    }
    command = [sys.executable, "-m", "app.cli", "record", str(tmp_path / "recording.parquet")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and "refuses" in done.stderr, done.stderr
    written = "\n".join([*said, caplog.text, done.stdout, done.stderr, rig.broker.log.read_text("utf-8")])
    for secret in (wrong, right.password, pipeline.password):
        assert secret not in written
    for conf in (rig.data / "broker").glob("*"):
        assert conf.is_dir() or right.password not in conf.read_text("utf-8"), conf
