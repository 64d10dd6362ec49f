"""The questions that people ask of the database, answered in frozen rows (`contracts.answers`).

Replays never show up here: what a recording or a backtest finds is not what happens in the city.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from contracts.answers import (
    AlarmItem,
    AlarmQuery,
    CityItem,
    DeviceItem,
    DeviceState,
    Gauges,
    LateItem,
    LateQuery,
    Latest,
    Page,
    Readiness,
    RearViewItem,
    RecordItem,
    SeriesItem,
    ValueItem,
    ViolationItem,
    ViolationQuery,
    WindowItem,
    WindowQuery,
)
from contracts.city import City
from contracts.columns import DTYPES
from contracts.devices import Device
from contracts.errors import AndamanError, VaultError
from contracts.findings import PERSON_LOOKS
from contracts.ports import PlateOpener
from contracts.rejections import RejectionBytes, RejectionCount, RejectionId, RejectionItem, RejectionQuery
from storage import read_rejections
from storage.city_index import SQL as CITY
from storage.city_index import CityIndexes, Place
from storage.connection import Connection
from storage.gauges import GaugeCounter
from storage.migrate import migrations
from storage.plate_text import masked_plate, plate_text
from storage.pool import Pool
from storage.queries import statements
from storage.read_findings import SQL as FINDINGS
from storage.read_findings import alarm_items, alarms_by_id, violation_item, violations_by_id

log = logging.getLogger(__name__)
DEVICES: Final = statements("read_devices")
STATE: Final = statements("read_state")
KINDS: Final = tuple(DTYPES)
FRONT_ONLY: Final = "front-only-motorcycles"
"""The metric whose hours count the motorcycles that a camera saw from the front only."""


class DatabaseReader:
    """Implements `contracts.ports.Reader`. Every method takes one connection for one moment."""

    def __init__(self, pool: Pool, opener: PlateOpener) -> None:
        self._pool = pool
        self._opener = opener
        self._indexes = CityIndexes()
        self._counter = GaugeCounter()

    # -- cities and devices -------------------------------------------------------------------------------------

    def cities(self) -> tuple[CityItem, ...]:
        """Every city in one line."""
        with self._pool.connection("reading cities") as connection:
            index = self._indexes.get(connection)
            spaces: dict[str, str] = dict(connection.execute(CITY["spaces"]).fetchall())
        return tuple(_city_item(city, spaces.get(city.id, "live")) for city in index.cities.values())

    def city(self, city: str) -> City | None:
        """The newest version of a city."""
        with self._pool.connection("reading a city") as connection:
            return self._indexes.get(connection).cities.get(city)

    def devices(
        self, city: str | None = None, zone: str | None = None, type: str | None = None
    ) -> tuple[DeviceItem, ...]:
        """Devices with their state by the engine's time of their shard."""
        with self._pool.connection("reading devices") as connection:
            index = self._indexes.get(connection)
            heard = {no: (at, shard) for no, at, shard in connection.execute(DEVICES["heard"])}
            silent = {no for (no,) in connection.execute(DEVICES["silent"])}
            # The engine's time goes on between batches, also where it is not the wall clock's.
            now = {shard: at + timedelta(seconds=age_s) for shard, at, age_s in connection.execute(DEVICES["now"])}
        items = []
        for _, device in index.devices(city, zone, type):
            heard_at, shard = heard.get(device.no, (None, None))
            state = _state(device, heard_at, now.get(shard), device.no in silent)
            items.append(_device_item(device, state, heard_at))
        return tuple(items)

    def latest(self, device: str | None = None, zone: str | None = None, metric: str | None = None) -> Latest:
        """The newest value of each series and, unless a metric is named, the newest record of each kind."""
        with self._pool.connection("reading the latest values") as connection:
            index = self._indexes.get(connection)
            numbers = {entry.no for _, entry in index.devices(zone=zone) if device is None or entry.id == device}
            codes = None if metric is None else list(index.codes(metric))
            asked = {"devices": sorted(numbers), "metrics": codes}
            values = connection.execute(DEVICES["latest_values"], asked).fetchall()
            records = connection.execute(DEVICES["latest_records"], asked).fetchall() if metric is None else []
        return Latest(
            tuple(
                ValueItem(place.id, found.key, lane, at, value, found.unit)
                for no, code, lane, at, value in values
                if (place := index.place(no)) and (found := index.metric(place.city, code))
            ),
            tuple(RecordItem(index.place(no).id, kind, key, at, content) for no, kind, key, at, content in records),
        )

    def windows(self, query: WindowQuery) -> Page[WindowItem] | None:
        """Windows of a series at a width, the oldest first."""
        with self._pool.connection("reading windows") as connection:
            index = self._indexes.get(connection)
            devices, metrics = index.numbers(query.device), index.codes(query.metric)
            if not devices or not metrics:
                return None
            after_at, after_lane = query.after or (None, None)
            asked = {
                "devices": list(devices),
                "metrics": list(metrics),
                "lane": query.lane,
                "width_s": query.width_s,
                "from_at": query.from_at,
                "to_at": query.to_at,
                "after_at": after_at,
                "after_lane": after_lane,
                "limit": query.limit + 1,
            }
            rows = connection.execute(DEVICES["windows"], asked).fetchall()
        return Page(tuple(WindowItem(*row) for row in rows[: query.limit]), len(rows) > query.limit)

    def rear_views(self, from_at: datetime, to_at: datetime) -> tuple[RearViewItem, ...]:
        """Cameras that lack a rear view, the most lost cases first."""
        with self._pool.connection("reading where a rear view is missing") as connection:
            index = self._indexes.get(connection)
            asked = {"metrics": list(index.codes(FRONT_ONLY)), "from_at": from_at, "to_at": to_at}
            rows = connection.execute(DEVICES["rear_views"], asked).fetchall()
        return tuple(_rear_view(index.place(no), seen, cases) for no, seen, cases in rows)

    def late(self, query: LateQuery) -> Page[LateItem]:
        """Records that came too late for any window, the latest event first."""
        with self._pool.connection("reading late records") as connection:
            index = self._indexes.get(connection)
            asked = {
                "devices": None if query.device is None else list(index.numbers(query.device)),
                "from_at": query.from_at,
                "to_at": query.to_at,
                "limit": query.limit + 1,
            }
            rows = connection.execute(DEVICES["late"], asked).fetchall()
        items = tuple(LateItem(KINDS[kind], index.place(no).id, *at) for kind, no, *at in rows[: query.limit])
        return Page(items, len(rows) > query.limit)

    def rejections(self, query: RejectionQuery) -> Page[RejectionItem]:
        """What was not accepted, the latest first."""
        with self._pool.connection("reading rejections") as connection:
            found = read_rejections.items(connection, self._indexes.get(connection), query)
        return Page(tuple(found[: query.limit]), len(found) > query.limit)

    def rejection_counts(self, query: RejectionQuery) -> Page[RejectionCount]:
        """What was not accepted, counted by reason and device."""
        with self._pool.connection("counting rejections") as connection:
            found = read_rejections.counts(connection, self._indexes.get(connection), query)
        return Page(tuple(found[: query.limit]), len(found) > query.limit)

    def rejection_topic(self, rejection: RejectionId) -> str | None:
        """The topic that a rejection came with."""
        with self._pool.connection("looking for a rejection") as connection:
            return read_rejections.topic(connection, rejection)

    def rejection_bytes(self, rejection: RejectionId) -> RejectionBytes | None:
        """The clear bytes of one rejection, for a caller who has audited the look."""
        with self._pool.connection("reading the bytes of a rejection") as connection:
            return read_rejections.opened(connection, self._opener, rejection)

    # -- findings -----------------------------------------------------------------------------------------------

    def violations(self, query: ViolationQuery, masked: bool) -> Page[ViolationItem]:
        """Suspected violations, the newest first."""
        with self._pool.connection("reading violations") as connection:
            index = self._indexes.get(connection)
            after_at, after_id = query.after or (None, None)
            asked = {
                "from_at": query.from_at,
                "to_at": query.to_at,
                "zones": None if query.zone is None else list(index.zones(query.zone)),
                "rule": query.rule,
                "devices": None if query.device is None else list(index.numbers(query.device)),
                "standing": query.standing,
                "looks": sorted(PERSON_LOOKS),
                "after_at": after_at,
                "after_id": after_id,
                "limit": query.limit + 1,
            }
            rows = connection.execute(FINDINGS["violations"], asked).fetchall()
            items = tuple(violation_item(row, index) for row in rows[: query.limit])
            return Page(self._masked(connection, items) if masked else items, len(rows) > query.limit)

    def violation(self, violation: UUID, masked: bool) -> ViolationItem | None:
        """One suspected violation."""
        with self._pool.connection("reading a violation") as connection:
            items = tuple(violations_by_id(connection, self._indexes.get(connection), [violation]).values())
            items = self._masked(connection, items) if masked else items
        return items[0] if items else None

    def plates(self, violations: Sequence[UUID]) -> dict[UUID, str]:
        """Clear plates. Who calls this has written it to the audit log."""
        with self._pool.connection("reading plates") as connection:
            return {id: plate_text(plate) for id, plate in self._opened(connection, violations).items()}

    def alarms(self, query: AlarmQuery) -> Page[AlarmItem]:
        """Alarms, the latest onset first."""
        with self._pool.connection("reading alarms") as connection:
            index = self._indexes.get(connection)
            after_at, after_id = query.after or (None, None)
            asked = {
                "condition": query.condition,
                "kind": query.kind,
                "zones": None if query.zone is None else list(index.zones(query.zone)),
                "from_at": query.from_at,
                "to_at": query.to_at,
                "after_at": after_at,
                "after_id": after_id,
                "limit": query.limit + 1,
            }
            rows = connection.execute(FINDINGS["alarms"], asked).fetchall()
            return Page(alarm_items(connection, index, rows[: query.limit]), len(rows) > query.limit)

    def alarm(self, alarm: UUID) -> AlarmItem | None:
        """One alarm, or None."""
        with self._pool.connection("reading an alarm") as connection:
            return alarms_by_id(connection, self._indexes.get(connection), [alarm]).get(alarm)

    # -- our own state ------------------------------------------------------------------------------------------

    def readiness(self) -> Readiness:
        """Whether the database answers with our schema."""
        try:
            with self._pool.connection("checking readiness") as connection:
                done = {name for (name,) in connection.execute(STATE["migrations"])}
                row = connection.execute(STATE["last_batch"]).fetchone()
        except AndamanError:
            return Readiness(database=False, migrations=False, last_batch_age_s=None)
        wanted = {migration.name for migration in migrations() if not migration.community}
        return Readiness(True, wanted <= done, row[0] if row else None)

    def gauges(self) -> Gauges:
        """Figures for `/metrics`."""
        with self._pool.connection("reading figures") as connection:
            return self._counter.gauges(connection)

    # -- plates -------------------------------------------------------------------------------------------------

    def _masked(self, connection: Connection, items: tuple[ViolationItem, ...]) -> tuple[ViolationItem, ...]:
        opened = self._opened(connection, [item.id for item in items if item.plate_state != "none"])
        return tuple(replace(i, plate=masked_plate(opened[i.id])) if i.id in opened else i for i in items)

    def _opened(self, connection: Connection, ids: Sequence[UUID]) -> dict[UUID, str]:
        if not ids:
            return {}
        opened: dict[UUID, str] = {}
        for id, sealed, wrapped_key in connection.execute(FINDINGS["plates"], {"ids": list(ids)}):
            try:
                opened[id] = self._opener.open_case(sealed, wrapped_key)
            except VaultError as problem:
                # Its key may have been destroyed on purpose: that plate is gone, the rest of the page is not.
                log.warning("the plate of violation %s cannot be opened: %s", id, problem)
        return opened


def _state(device: Device, heard_at: datetime | None, now: datetime | None, alarmed: bool) -> DeviceState:
    if heard_at is None:
        return DeviceState.NEVER
    overdue = now is not None and (now - heard_at).total_seconds() > device.silent_after_s
    return DeviceState.SILENT if alarmed or overdue else DeviceState.LIVE


def _city_item(city: City, space: str) -> CityItem:
    return CityItem(
        city.id,
        city.name_en,
        city.name_th,
        city.lon,
        city.lat,
        city.zoom,
        city.time_zone,
        city.credits,
        city.version,
        space,
    )


def _rear_view(place: Place, seen: int, cases: int) -> RearViewItem:
    device = place.device
    if device is None:  # it has left the city since
        return RearViewItem(place.id, "", "", "", "", seen, cases)
    return RearViewItem(place.id, device.call_sign, device.name_en, device.name_th, device.zone, seen, cases)


def _device_item(device: Device, state: DeviceState, heard_at: datetime | None) -> DeviceItem:
    return DeviceItem(
        id=device.id,
        no=device.no,
        type=device.type,
        zone=device.zone,
        lon=device.lon,
        lat=device.lat,
        name_en=device.name_en,
        name_th=device.name_th,
        call_sign=device.call_sign,
        functions=device.functions,
        faces=device.faces,
        kinds=tuple(device.kinds),
        series=tuple(SeriesItem(entry.metric, entry.lane, entry.interval_s) for entry in device.series),
        verified=device.verified,
        note=device.note,
        state=state,
        last_heard=heard_at,
        segment=device.segment,
        junction=device.junction,
        bearing_deg=device.bearing_deg,
        silent_after_s=device.silent_after_s,
    )
