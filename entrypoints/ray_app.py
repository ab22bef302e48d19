"""The HTTP server as replicas of Ray Serve: ``serve run entrypoints.ray_app:app``.

``deploy/ray.yaml`` says how many replicas there are, which GPU each has, and their settings.
"""

from ray import serve
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from entrypoints.container import Container
from entrypoints.http.access import LoopbackHostCheck, is_loopback
from entrypoints.http.app import build_app
from entrypoints.logs import configure_logs
from entrypoints.settings.settings import ServerSettings, load_settings

MAX_ONGOING_REQUESTS = 100
"""Requests that Ray hands to a replica at once.

They are many more than MAX_QUEUED_REQUESTS allows to speak and wait by default: the replica's own
queue refuses speech, while pings, lists and the page are answered.
"""

DRAIN_SECONDS = 600
"""Longest time that a replica has to end its requests before it is killed: JOB_TIMEOUT_SECONDS is
570 by default."""

HEALTH_CHECK_SECONDS = 5
"""Pause between two looks at a replica; Ray replaces it after three bad ones."""


class WithoutRequestId:
    """Leaves the header X-Request-Id to Ray, which adds the same one to every response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def send_without_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                del MutableHeaders(scope=message)["X-Request-Id"]
            await send(message)

        await self._app(scope, receive, send_without_id)


class Replica:
    """One process with one engine, configured by the environment that Ray gives it."""

    def __init__(self) -> None:
        self._had_fault = False

    def __serve_build_asgi_app__(self) -> ASGIApp:
        """Build the application; Ray runs its lifespan, which loads the model."""
        settings = load_settings(ServerSettings)
        configure_logs(settings)

        def stop() -> None:
            self._had_fault = True
            app.state.admission.close()

        app = build_app(Container(settings=settings), on_fault=stop)
        return WithoutRequestId(LoopbackHostCheck(app) if is_loopback(settings.host) else app)

    def check_health(self) -> None:
        """Let Ray replace this replica after an error that its process cannot recover from.

        Raises:
            RuntimeError: there was such an error.
        """
        if self._had_fault:
            raise RuntimeError("the engine of this replica is lost; its log says why")


app = serve.deployment(
    name="indextts",
    max_ongoing_requests=MAX_ONGOING_REQUESTS,
    graceful_shutdown_timeout_s=DRAIN_SECONDS,
    health_check_period_s=HEALTH_CHECK_SECONDS,
)(serve.ingress()(Replica)).bind()
