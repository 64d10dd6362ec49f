"""Runs the API with uvicorn, set up for a page that stays open all day: streams end with the server, not after it."""

import socket
from typing import Final

import uvicorn
from fastapi import FastAPI

GRACE_S: Final = 3
"""How long requests in flight may take once we are to stop; streams are ended by us at once."""
BACKLOG: Final = 256


class ApiServer(uvicorn.Server):
    """A uvicorn server of the app. `run()` serves until `should_exit` or a signal; `started` says that it answers."""

    def __init__(self, app: FastAPI, host: str, port: int, proxy: str = "") -> None:
        """`proxy`: the address or network of a proxy before us that says who asks; empty: nobody is believed."""
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                lifespan="on",
                ws="none",
                log_config=None,  # the caller has set up logging
                access_log=False,  # query strings may hold a purpose or a case number
                server_header=False,
                # From anybody else it is not believed: one could claim another address and walk around the throttle.
                proxy_headers=bool(proxy),
                forwarded_allow_ips=[proxy] if proxy else None,
                timeout_graceful_shutdown=GRACE_S,
                backlog=BACKLOG,
            )
        )
        self._app = app

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve; on sockets that were handed over, small answers go out at once."""
        for listening in sockets or ():
            # asyncio does this only where a socket names its protocol. Without it an answer waits 40 ms for the
            # acknowledgement of its own head (Nagle's algorithm against delayed acknowledgements).
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the live streams, then wait for the rest."""
        self._app.state.services.live.close()
        await super().shutdown(sockets)
