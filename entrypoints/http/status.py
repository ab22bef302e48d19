"""Questions about the server: whether it can speak, how it is, and its figures."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import JSONResponse, Response

from application.ports.device_memory import MemoryUse
from application.ports.speech_model import ModelState
from entrypoints.engine.thread_stream import in_thread
from entrypoints.health import Health
from entrypoints.http.metrics import SpeechMetrics
from entrypoints.http.model_watch import ModelWatch

_LOADING = (ModelState.LOADING, ModelState.NOT_LOADED)


def router(
    *,
    watch: ModelWatch,
    health: Callable[[], Awaitable[Health]],
    metrics: SpeechMetrics,
    device_memory: Callable[[], MemoryUse | None],
) -> APIRouter:
    """Return ``/ping``, ``/health`` and ``/metrics``."""
    routes = APIRouter()

    @routes.get("/ping", response_class=Response)
    @routes.head("/ping", include_in_schema=False)
    async def ping() -> Response:
        """Answer 200 when the model is ready, 204 while it loads, 503 otherwise; without a body."""
        state = await watch.state()
        if state is ModelState.READY:
            return Response(status_code=200)
        return Response(status_code=204 if state in _LOADING else 503)

    @routes.get("/health", response_model=Health, response_model_exclude_none=True)
    async def tell_health() -> Response:
        """Tell what works: 503 if nothing can be spoken, else 200."""
        found = await health()
        return JSONResponse(
            found.model_dump(mode="json", exclude_none=True),
            503 if found.status == "unhealthy" else 200,
        )

    @routes.get("/metrics", response_class=Response)
    async def tell_metrics() -> Response:
        """Give the figures in Prometheus's text format."""
        metrics.model_state(await watch.state())
        metrics.device_memory(await in_thread(device_memory))
        return Response(metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return routes
