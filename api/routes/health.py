"""Whether we live, whether we can serve, and the figures Prometheus collects."""

from fastapi import APIRouter, Depends, Response

from api import rendering
from api.auth import allow
from api.metrics import CONTENT_TYPE, exposition
from api.services import Here
from contracts.answers import Role

router = APIRouter(tags=["health"])
metrics_router = APIRouter(tags=["health"])


@router.get("/health")
def health() -> Response:
    """The process answers. Open to all."""
    return rendering.json({"status": "ok"})


@router.get("/ready")
def ready(here: Here) -> Response:
    """Whether the database answers with the schema that we know. Open to all, so it says no more than that."""
    state = here.reader.readiness()
    age_s, age_max_s = state.last_batch_age_s, here.settings.ready_batch_age_s
    flowing = age_max_s is None or (age_s is not None and age_s <= age_max_s)
    good = state.ready and flowing
    body = {
        "status": "ready" if good else "not ready",
        "database": state.database,
        "migrations": state.migrations,
        "last_batch_age_s": None if age_s is None else round(age_s, 1),
    }
    return rendering.json(body, 200 if good else 503)


@metrics_router.get("/metrics", dependencies=[Depends(allow(Role.DEVELOPER, Role.ADMIN))])
def metrics(here: Here) -> Response:
    """Prometheus exposition; the scraper sends a bearer token."""
    posts = here.receiver.posts if here.receiver else {}
    return Response(exposition(here.reader.gauges(), here.live.subscribers, posts), media_type=CONTENT_TYPE)
