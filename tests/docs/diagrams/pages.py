"""Every diagram of the documentation, by its file."""

from collections.abc import Callable
from pathlib import Path

from tests.docs.diagrams import deployments, request, wiring

DIAGRAMS = Path(__file__).parents[3] / "docs" / "diagrams"
PAGES: dict[Path, Callable[[], str]] = {
    DIAGRAMS / "request.svg": request.render,
    DIAGRAMS / "wiring.svg": wiring.render,
    DIAGRAMS / "deployments.svg": deployments.render,
}
