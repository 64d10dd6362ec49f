"""What the API can be told, with the reason for each default."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contracts.errors import ConfigError

TOKEN_SECRET_BYTES_MIN: Final = 32
"""As long as the HMAC-SHA256 that it keys (RFC 2104, section 3)."""


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """Settings of the API. Folders that are missing are answered with 404: the API works without a console."""

    token_secret: bytes
    """Signs bearer tokens; kept in a file of mode 0600, the same for `andaman token` and the API."""
    cities_dir: Path = Path("cities")
    """Holds CITY/basemap/NAME.geojson."""
    console_dir: Path | None = None
    """The built page (`console/dist`)."""
    cookie_secure: bool = False
    """True behind HTTPS. Off by default because the demo speaks plain HTTP on loopback."""
    session_lifetime_s: float = 12 * 3600.0
    """A shift of a control room; then one signs in again."""
    heartbeat_s: float = 15.0
    """A comment on a quiet live stream: proxies commonly cut a connection after 30 to 60 s of silence."""
    stalled_s: float = 20.0
    """A live reader whose socket takes nothing for so long is dropped."""
    subscribers_max: int = 200
    """Live readers at once: far more than a control room has screens, few enough for the memory."""
    ready_batch_age_s: float | None = None
    """Where set, `/ready` fails when the pipeline has written nothing for so long."""

    def __post_init__(self) -> None:
        if len(self.token_secret) < TOKEN_SECRET_BYTES_MIN:
            problem = f"shorter than {TOKEN_SECRET_BYTES_MIN} bytes; make one with `openssl rand -hex 32`"
            raise ConfigError("token_secret", f"{len(self.token_secret)} bytes", problem)
        for name in ("session_lifetime_s", "heartbeat_s", "stalled_s", "subscribers_max"):
            if getattr(self, name) <= 0:
                raise ConfigError(name, getattr(self, name), "must be above 0")
