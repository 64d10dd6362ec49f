"""What people decide about devices, where the database does not go along."""

import pytest

from contracts.errors import StorageUnavailable
from storage.device_desk import DeviceDesk, Written
from storage.pool import Pool


@pytest.mark.parametrize(("renewed", "in_force"), [(True, False), (False, True)])
def test_a_password_is_told_also_where_the_database_went_away_right_after_it_was_made(
    renewed: bool, in_force: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(dsn: str, purpose: str) -> None:
        raise StorageUnavailable(f"connecting for {purpose}")

    monkeypatch.setattr("storage.pool.connect", away)
    desk = DeviceDesk(Pool("", "test"), "testville")
    assert desk.await_in_force(Written(5, 7, renewed, None), 0.0) == (in_force, False)
