"""How a device comes in and goes out, while the city runs: implements `contracts.ports.Onboarding`.

A decision is committed first; then we wait until pipeline and broker have taken it, so that a device that is given its
password here is understood from its first message on. What does not run takes it when it starts.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from app import accounts
from app.adopting import as_in_a_file, device_of, type_of, with_device
from app.receiving import Passwords
from app.removing import without_device
from app.services.broker_settings import password_hash
from app.services.secret_file import PASSWORD_BYTES
from contracts.adapters import HOUSE_ACCOUNTS, account_of
from contracts.answers import AuditEntry, Content
from contracts.city import City
from contracts.errors import ConfigError
from contracts.onboarding import (
    Adoption,
    AlreadyThere,
    By,
    Credential,
    Done,
    KnownCredential,
    NotThere,
    Proposal,
    check_name,
)
from contracts.receiving import RECEIVER_ACCOUNT
from contracts.rejections import FEED_IN
from ingest.adapters.families import check_families
from processing.rulebook import check_rules
from storage.device_desk import Decision, DeviceDesk, Situation, Written

PATIENCE_S: Final = 5.0
"""So long a person waits for pipeline and broker; both take a change within a second."""


Ask = Callable[[str, Mapping[str, str | None], AuditEntry], str]


class DeviceOnboarding:
    """Decisions about the devices of one city, carried out."""

    def __init__(self, desk: DeviceDesk, data: Path, ask: Ask, patience_s: float = PATIENCE_S) -> None:
        """`data`: where the passwords of simulated devices lie. `ask` asks for a job."""
        self._desk, self._data, self._ask, self._patience_s = desk, data, ask, patience_s

    def proposals(self, dismissed: bool = False) -> tuple[Proposal, ...]:
        """Unknown devices that speak, the latest first."""
        city = self._desk.city()
        known = {device.id for device in city.devices}
        found = (each for each in self._desk.proposals(dismissed) if each.device not in known)
        return tuple(replace(each, type=type_of(city, each)) for each in found)

    def dismiss(self, device: str, by: By) -> None:
        """Hide a proposal until the device says something new."""
        self._desk.dismiss(_entry(by, "dismiss_proposal", device))

    def adopt(self, wanted: Adoption, by: By) -> Done:
        """Put an unknown device into the city. It keeps the credential with which it spoke.

        What was refused of it is fed in only once the device is in force: before, it would be refused again.
        """

        def decide(now: Situation) -> Decision:
            if now.proposal is None:
                raise NotThere("device", wanted.device, "there is no such proposal", "proposals")
            made = with_device(now.city, device_of(now.city, now.proposal, wanted))
            return Decision(_fits(made), settled=True)

        entry = _entry(by, "adopt_device", wanted.device)
        done = self._done(wanted.device, self._desk.decide(entry, decide))
        if not wanted.feed_in:
            return done
        which = {"reason": "unknown_device", "device": wanted.device}
        return replace(done, job=self._ask(FEED_IN, which, _entry(by, "feed_in_rejections", wanted.device)))

    def add(self, entry: Mapping[str, object], by: By) -> Done:
        """Put a device into the city that has not spoken yet, and make its credential; none where another account, a
        gateway's or the receiver's, speaks for it."""
        check_device(str(entry.get("id", "")))  # says what a name is, not the pattern that it breaks
        device = as_in_a_file(entry)
        credential = _new_credential(device.id) if account_of(device) == device.id else None

        def decide(now: Situation) -> Decision:
            made = _fits(with_device(now.city, device))
            return Decision(made, _known(credential, device.zone) if credential else None, settled=True)

        note = _entry(by, "add_device", device.id, type=device.type, zone=device.zone)
        return self._done(device.id, self._desk.decide(note, decide), credential)

    def invite(self, device: str, zone: str, by: By) -> Done:
        """Make the credential of a device that the city does not have: what it then says becomes a proposal."""
        check_device(device)
        credential = _new_credential(device)

        def decide(now: Situation) -> Decision:
            if any(each.id == device for each in now.city.devices):
                raise AlreadyThere("device", device, "is in the city already; rotate its credential", "city")
            if any(account_of(each) == device for each in now.city.devices):
                problem = "is the account that speaks for devices of the city; rotate its credential"
                raise AlreadyThere("device", device, problem, "city")
            if zone not in {each.id for each in now.city.zones}:
                raise ConfigError("zone", zone, f"{now.city.id} has no such zone", device)
            return Decision(credential=_known(credential, zone))

        entry = _entry(by, "invite_device", device, zone=zone)
        return self._done(device, self._desk.decide(entry, decide), credential)

    def rotate(self, device: str, by: By) -> Done:
        """Give a device another credential; with the one before, its connection ends."""
        credential = _new_credential(device)
        written = self._desk.decide(
            _entry(by, "rotate_device", device),
            lambda now: Decision(credential=_known(credential, _zone_of(now, device))),
        )
        if accounts.made(self._data, device) and self._desk.simulated():
            accounts.keep_password(self._data, device, credential.password)
        return self._done(device, written, credential)

    def revoke(self, device: str, by: By) -> Done:
        """Take a device's credential away, and end its connection. Its entry in the city and its past stay."""
        written = self._desk.decide(
            _entry(by, "revoke_device", device),
            lambda now: Decision(credential=KnownCredential(_zone_of(now, device), None)),
        )
        return self._done(device, written)

    def remove(self, device: str, by: By) -> Done:
        """Take a device out of the city, and its credential away: under its name it may come back with another one.
        What it said stays, and so does the account of a gateway, under which others speak too."""

        def decide(now: Situation) -> Decision:
            left = _fits(without_device(now.city, device))
            (gone,) = (each for each in now.city.devices if each.id == device)
            # One that it was given before a gateway spoke for it would be an invitation from now on.
            has_one = account_of(gone) == device or now.credential is not None
            return Decision(left, KnownCredential(gone.zone, None) if has_one else None)

        posting = Passwords(self._data)
        posts = posting.get(device) is not None  # looked at first: a file that cannot be read changes nothing
        written = self._desk.decide(_entry(by, "remove_device", device), decide)
        if posts:
            posting.revoke(device)
        return self._done(device, written)

    def _done(self, device: str, written: Written, credential: Credential | None = None) -> Done:
        in_force, at_broker = self._desk.await_in_force(written, self._patience_s)
        return Done(device, written.version, in_force, at_broker, credential)


def check_device(name: str) -> str:
    """A name that a device may have.

    Raises:
        ConfigError: it is no slug, or one of ours: the broker's account of that name would change hands.
    """
    if accounts.is_ours(check_name(name)):
        raise ConfigError("device", name, f"names that begin with {HOUSE_ACCOUNTS} are ours", "device")
    return name


def _zone_of(now: Situation, device: str) -> str:
    """Below which zone a device speaks that is in the city, or was invited; a gateway's is that of its first device."""
    for each in now.city.devices:
        if device == account_of(each) and not accounts.is_ours(device):
            return each.zone
    account = next((account_of(each) for each in now.city.devices if each.id == device), None)
    if account == RECEIVER_ACCOUNT:
        raise ConfigError("device", device, "posts over HTTP: use `andaman receiver password | revoke`", "city")
    if account is not None:
        raise ConfigError("device", device, f"{account} speaks for it: rotate or revoke that", "city")
    if now.credential is None:
        raise NotThere("device", device, f"is neither in {now.city.id} nor invited", "city")
    return now.credential.zone


def _fits(city: City) -> City:
    """A city that the engine can work with; another would stay out of force."""
    check_rules(city)
    check_families(city)
    return city


def _new_credential(device: str) -> Credential:
    return Credential(device, secrets.token_urlsafe(PASSWORD_BYTES))


def _known(credential: Credential, zone: str) -> KnownCredential:
    return KnownCredential(zone, password_hash(credential.password))


def _entry(by: By, action: str, device: str, **detail: object) -> AuditEntry:
    content: Content = dict(detail)
    return AuditEntry(by.name, by.role, action, device, detail=content)
