"""Everything that Andaman raises on purpose, sorted by what the operator should do about it.

    AndamanError
    +-- ConfigError          wrong setting or city file: fix it, start again
    +-- MessageRejected      the device's fault: counted, kept as a rejection, never stops the pipeline
    +-- TransportError       the broker or the network: retried with bounded back-off
    +-- StorageUnavailable   the database is away: retried with bounded back-off
    +-- StorageError         ours or the schema's: the state is dropped, the batch bisected, the offender kept
    +-- Fenced               a newer pipeline owns this shard: this one exits
    +-- VaultError           a key is missing or does not open what it should

An AssertionError or TypeError is a bug and is not caught near its cause.
"""


class AndamanError(Exception):
    """Something went wrong in Andaman."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__class__.__doc__)


class ConfigError(AndamanError):
    """A setting or a city file is wrong."""

    def __init__(self, key: str, value: object, problem: str, source: str = "settings") -> None:
        super().__init__(f"{source}: {key} = {value!r}: {problem}")
        self.key, self.value, self.problem, self.source = key, value, problem, source


class MessageRejected(AndamanError):
    """A message from the field cannot be accepted."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason, self.detail = reason, detail


class TransportError(AndamanError):
    """The broker cannot be reached."""


class StorageUnavailable(AndamanError):
    """The database cannot be reached."""


class StorageError(AndamanError):
    """The database refused a statement; the original error is the cause."""


class Fenced(AndamanError):
    """A newer pipeline has taken this shard; this one must stop."""


class VaultError(AndamanError):
    """A sealed value cannot be opened: its key is missing or destroyed."""
