"""Many devices of one place silent at once: one outage of power or network, not an alarm for each."""

from typing import Final

KIND: Final = "outage"
