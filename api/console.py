"""Serves the built page: files of `console/dist`, and its index for every address that the page itself understands."""

from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

ASSETS: Final = "assets"
"""Vite's folder for files whose names carry their hash: they never change, and a missing one is an error."""
CACHE_FOR_EVER: Final = "public, max-age=31536000, immutable"
CACHE_ASK: Final = "no-cache"
OURS: Final = ("api", "metrics")
"""First parts of addresses that are never the page's."""


class _Page(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        first = Path(path).parts[:1]
        if first and first[0] in OURS:
            raise HTTPException(404)
        try:
            response = await super().get_response(path, scope)
        except HTTPException as problem:
            if problem.status_code != 404 or (first and first[0] == ASSETS):
                raise
            response = await super().get_response("index.html", scope)
        response.headers["cache-control"] = CACHE_FOR_EVER if first and first[0] == ASSETS else CACHE_ASK
        return response


def page(folder: Path) -> ASGIApp:
    """The page as an app. Compressed: nothing in it is secret, so nothing can be guessed from a length."""
    return GZipMiddleware(_Page(directory=folder, html=True, check_dir=False), minimum_size=1024)
