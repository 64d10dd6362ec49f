"""A masked plate tells two cases apart and finds no car."""

import pytest

from storage.plate_text import masked_plate, plate_text


@pytest.mark.parametrize(
    ("sealed", "masked", "clear"),
    [
        ("1กข1234|TH-83", "1กข **34", "1กข 1234 TH-83"),
        ("กข1234|TH-10", "กข **34", "กข 1234 TH-10"),
        ("กขค123|TH-83", "กขค **3", "กขค 123 TH-83"),
        ("กข12|TH-83", "กข **", "กข 12 TH-83"),
        ("กข7|TH-83", "กข *", "กข 7 TH-83"),
        ("701234|TH-83", "70- **34", "70- 1234 TH-83"),
        ("70-1234|TH-83", "70- **34", "70- 1234 TH-83"),
        ("กข1234|", "กข **34", "กข 1234"),
        ("กข1234", "กข **34", "กข 1234"),
    ],
)
def test_a_masked_plate_shows_its_group_and_at_most_two_digits(sealed: str, masked: str, clear: str) -> None:
    assert masked_plate(sealed) == masked
    assert plate_text(sealed) == clear
