"""How the devices' side names a broker."""

import pytest

from contracts.errors import ConfigError
from simulators.publish import Account


@pytest.mark.parametrize(
    "url", ["http://field:geheim@mqtt.example:1883", "mqtt://field:geheim@", "mqtt://[::1:geheim", "mqtt://here:geheim"]
)
def test_a_wrong_address_is_refused_without_the_password_in_it(url: str) -> None:
    with pytest.raises(ConfigError, match="write it as mqtt") as refused:
        Account(url)
    assert "geheim" not in str(refused.value)
