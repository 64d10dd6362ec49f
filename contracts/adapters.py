"""How a device that does not speak our format is understood: the `adapter` table of its entry.

What a `family` is and what it makes of these words says its file in `ingest/adapters/`; here stands what all of them
have in common, and whether the entries fit together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol

import msgspec
from msgspec import Meta

from contracts.entry import Entry, Slug, check_unique
from contracts.errors import ConfigError
from contracts.receiving import RECEIVER_ACCOUNT
from contracts.records import MAX_LANE
from contracts.topic_filters import ONE, REST, FilterTree, fault
from contracts.topics import PREFIX

NATIVE = "native"
"""The family that needs no adapter."""
HOUSE_ACCOUNTS = f"{PREFIX}-"
"""How the names of our own accounts at the broker begin."""
MAX_TOPICS = 16
MAX_FIELDS = 128

Word = Annotated[str, Meta(min_length=1, max_length=128)]


class Field(Entry, frozen=True):
    """One value of a payload and the series that it fills.

    `field`: where it stands, in the family's way. `unit`: what it is in, where the payload does not say; left out, the
    metric's own. `absent`: its value in a message that leaves it out, for senders that do not send a zero.
    """

    field: Word
    metric: Slug
    lane: Annotated[int, Meta(ge=0, le=MAX_LANE)] = 0
    unit: str = ""
    absent: float | None = None


class Adapter(Entry, frozen=True):
    """What a family needs to know of one device.

    `topics`: MQTT filters of all that it says, and all that its account may publish. `account`: the name that it is
    published under where that is not the device's own: that of a gateway, a bridge or a server. `source`: how the
    payload names the device, where several speak on one topic. `time_zone`: of times without one (IANA name).
    `lanes` and `words`: their word -> our lane or word. `params`: what else one family asks for.
    """

    topics: Annotated[tuple[Word, ...], Meta(min_length=1, max_length=MAX_TOPICS)]
    account: Slug | None = None
    source: Annotated[str, Meta(max_length=128)] = ""
    time_zone: str = ""
    fields: Annotated[tuple[Field, ...], Meta(max_length=MAX_FIELDS)] = ()
    lanes: dict[Word, Annotated[int, Meta(ge=0, le=MAX_LANE)]] = msgspec.field(default_factory=dict)
    words: dict[Word, Word] = msgspec.field(default_factory=dict)
    params: dict[Word, float | str] = msgspec.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Adapted:
    """What the checks need of a device. (`contracts.devices` builds on this file.)"""

    id: str
    family: str
    adapter: Adapter | None
    series: frozenset[tuple[str, int]]


class Heard(Protocol):
    """A device, as far as it matters who speaks for it."""

    @property
    def id(self) -> str:
        """Its name."""
        ...

    @property
    def adapter(self) -> Adapter | None:
        """None of a native device."""
        ...


def account_of(device: Heard) -> str:
    """Under which a device is heard: its own account, or that of the gateway, bridge or server that speaks for it."""
    return (device.adapter.account if device.adapter else None) or device.id


def check_adapters(devices: Sequence[Adapted], source: str) -> None:
    """Check the `adapter` tables, each alone and all against each other.

    Raises:
        ConfigError: names the device, and what to do.
    """
    names = {device.id for device in devices}
    tree = FilterTree()
    for device in devices:
        adapter = device.adapter
        if (adapter is None) != (device.family == NATIVE):
            problem = "a family other than native needs an `adapter` table with its topics, and native takes none"
            raise ConfigError("devices.adapter", device.id, problem, source)
        if adapter is None:
            continue
        _check_alone(device, adapter, names, source)
        for topic in adapter.topics:
            for other_topic, other in tree.sharing(topic):
                _check_shared(device, topic, other, other_topic, source)
            tree.add(topic, device)


def _check_alone(device: Adapted, adapter: Adapter, names: set[str], source: str) -> None:
    check_unique(f"devices.adapter.topics of {device.id}", adapter.topics)
    for topic in adapter.topics:
        problem = fault(topic)
        if problem is None and (topic.startswith("$") or topic.split("/")[0] in (ONE, REST, PREFIX)):
            problem = f"must begin with a level of the family's own; not `{PREFIX}`, `$...` or a wildcard"
        if problem is not None:
            raise ConfigError("devices.adapter.topics", topic, f"{device.id}: {problem}", source)
    account = adapter.account
    if account is not None and (account in names - {device.id} or _is_houses(account)):
        problem = f"{device.id}: is the account of another device or of the house; name the gateway otherwise"
        raise ConfigError("devices.adapter.account", account, problem, source)
    if account == RECEIVER_ACCOUNT and (len(adapter.topics) > 1 or {ONE, REST} & set(adapter.topics[0].split("/"))):
        problem = f"{device.id}: posts over HTTP and is published on one topic; write one without `+` and `#`"
        raise ConfigError("devices.adapter.topics", adapter.topics[0], problem, source)
    check_unique(f"devices.adapter.fields of {device.id}", (field.field for field in adapter.fields))
    filled = [(field.metric, field.lane) for field in adapter.fields]
    check_unique(f"devices.adapter.fields, (metric, lane) of {device.id}", filled)
    for field in adapter.fields:
        if (field.metric, field.lane) not in device.series:
            problem = f"{device.id}: {field.metric} on lane {field.lane} is none of its series; enter it there too"
            raise ConfigError("devices.adapter.fields", field.field, problem, source)


def _is_houses(account: str) -> bool:
    """Whether an account is of the house, but for the one that publishes for others."""
    return account.startswith(HOUSE_ACCOUNTS) and account != RECEIVER_ACCOUNT


def _check_shared(device: Adapted, topic: str, other: Adapted, other_topic: str, source: str) -> None:
    """Two filters are the same or have nothing in common: a broker may deliver what matches two of them twice. What is
    said on one topic names its device itself, so all of it must come from one account: any other could name another."""
    if topic != other_topic:
        problem = f"{device.id}: also matches topics of {other_topic!r} ({other.id}); write the same, or apart"
    elif device.family != other.family:
        problem = f"{device.id}: is {other.id}'s too, which is {other.family}; one topic has one family"
    elif not (device.adapter and device.adapter.source and other.adapter and other.adapter.source):
        problem = f"{device.id}: is {other.id}'s too; give both a `source`, the name that the payload has for them"
    elif device.adapter.source.casefold() == other.adapter.source.casefold():
        problem = f"{device.id}: has the same `source` as {other.id}"
    elif account_of(device) != account_of(other):
        problem = f"{device.id}: {other.id} could speak as it; give both one `account`, their gateway's, or write apart"
    elif account_of(device) == RECEIVER_ACCOUNT:
        problem = f"{device.id}: {other.id} posts over HTTP too, and could speak as it; write one topic for each"
    else:
        return
    raise ConfigError("devices.adapter.topics", topic, problem, source)
