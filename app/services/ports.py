"""Ports on the loopback interface: a free one near the one we prefer, or a clear error for one that was asked for."""

import errno
import socket
from collections.abc import Callable

from contracts.errors import AndamanError, ConfigError

LOOPBACK = "127.0.0.1"
STARTS_TRIED = 4  # another program may take a port between our look and the server's start
PORTS_TRIED = 20  # neighbours of the preferred port before any port will do


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen on `port` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that just ended do not count
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def choose_port(preferred: int | None = None, host: str = LOOPBACK) -> int:
    """The preferred port, else one of its neighbours, else any free one."""
    if preferred is not None:
        for port in range(preferred, min(preferred + PORTS_TRIED, 65536)):
            if is_free(port, host):
                return port
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def require_port(port: int, key: str, host: str = LOOPBACK) -> int:
    """The port that the settings fix; ConfigError if another program has it."""
    if not 0 < port < 65536:
        raise ConfigError(key, port, "is no port number: choose one from 1024 to 65535")
    if not is_free(port, host):
        raise ConfigError(key, port, f"another program listens on {host}:{port}: stop it or choose another port")
    return port


def with_free_port(
    wanted: int | None, preferred: int, key: str, start: Callable[[int], None], host: str = LOOPBACK
) -> None:
    """Calls `start` with the wanted port, else with a free one, and with another if it was taken meanwhile."""
    if wanted is not None:
        start(require_port(wanted, key, host))
        return
    for attempt in range(STARTS_TRIED):
        port = choose_port(preferred if attempt == 0 else None, host)
        try:
            return start(port)
        except AndamanError:
            if attempt == STARTS_TRIED - 1 or is_free(port, host):
                raise
