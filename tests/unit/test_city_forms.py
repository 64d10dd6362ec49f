"""The JSON that the database keeps of a city: what is written can be read again, by everybody and for ever."""

import math

import msgspec
import pytest

from contracts.city import City
from contracts.city_forms import decode, encode
from contracts.errors import ConfigError
from tests.fixtures.small_city import small_city

CITY = small_city()


def measuring_up_to(most: float) -> City:
    return msgspec.structs.replace(CITY, metrics=(msgspec.structs.replace(CITY.metrics[0], max=most),))


def named(name: str) -> City:
    return msgspec.structs.replace(CITY, name_en=name)


@pytest.mark.parametrize("city", [CITY, named('a \\u0000 \\\\ \u2028 "ภูเก็ต"'), named("\\")])
def test_a_city_is_read_back_as_it_was_written(city: City) -> None:
    assert decode(encode(city)) == city


@pytest.mark.parametrize(
    "city", [measuring_up_to(math.inf), measuring_up_to(math.nan), named("a\0"), named("\\\0"), named("\ud800")]
)
def test_a_city_that_would_not_be_read_back_as_it_is_is_never_written(city: City) -> None:
    with pytest.raises(ConfigError, match="would not be read back"):
        encode(city)
