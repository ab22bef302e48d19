"""The HTTP application: every route, around the use case that worker and command line use."""

from fastapi import FastAPI

from entrypoints.container import Container
from entrypoints.http.errors import install_error_handlers


def build_app(container: Container, *, has_queue: bool = True) -> FastAPI:
    """Build the application of the parts in ``container``.

    Args:
        container: The parts.
        has_queue: Refuse requests when too many wait. Without it, something in front of this
            application decides how many requests it gets.
    """
    app = FastAPI(title="indextts-runpod", docs_url=None, redoc_url=None)
    install_error_handlers(app)
    return app
