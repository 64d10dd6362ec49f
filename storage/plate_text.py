"""Plates as people read them. In the vault a plate is `1กข1234|TH-83`: normalised, with its province."""

from typing import Final

GROUP_DIGITS_SHOWN: Final = 2
"""The last two digits stay readable in a masked plate: enough to tell two cases apart, not to find a car."""


def plate_text(sealed_text: str) -> str:
    """`1กข 1234 TH-83`."""
    letters, digits, province = _parts(sealed_text)
    return " ".join(part for part in (letters, digits, province) if part)


def masked_plate(sealed_text: str) -> str:
    """`1กข **34`: without the province and all but the last two digits.

    A number of one or two digits is hidden whole but for its last digit or wholly: nothing may be told from it.
    """
    letters, digits, _ = _parts(sealed_text)
    shown = min(GROUP_DIGITS_SHOWN, max(len(digits) - GROUP_DIGITS_SHOWN, 0))
    hidden = "*" * (len(digits) - shown) + digits[len(digits) - shown :]
    return f"{letters} {hidden}".strip()


def _parts(sealed_text: str) -> tuple[str, str, str]:
    """(group, number, province): the number is the run of digits at the end; a lorry's plate has digits alone."""
    text, _, province = sealed_text.partition("|")
    group = text.rstrip("0123456789")
    digits = text[len(group) :]
    if not group and len(digits) > 4:
        # A lorry's NN-NNNN: its first two digits are its group.
        group, digits = digits[:2] + "-", digits[2:]
    return group, digits, province
