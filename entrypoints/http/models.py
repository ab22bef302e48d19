"""The list of models: clients look for names that they know, and the server takes any name."""

from typing import Any

from fastapi import APIRouter

MODELS = ("indextts-2", "tts-1", "tts-1-hd", "gpt-4o-mini-tts")
"""The model, and the names of OpenAI's that clients send."""

RELEASED = 1_757_289_600
"""The day of IndexTTS-2's release, 8 September 2025, in seconds since the epoch."""


def router() -> APIRouter:
    """Return the routes that list models."""
    routes = APIRouter()

    @routes.get("/v1/models")
    def list_models() -> dict[str, Any]:
        """List the models as OpenAI's API does."""
        return {"object": "list", "data": [_model(name) for name in MODELS]}

    @routes.get("/v1/models/{name:path}")
    def get_model(name: str) -> dict[str, Any]:
        """Describe a model, whatever its name."""
        return _model(name)

    @routes.get("/v1/audio/models")
    def list_audio_models() -> dict[str, Any]:
        """List the models as Open WebUI looks for them."""
        return {"object": "list", "models": [{"id": name, "name": name} for name in MODELS]}

    return routes


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": RELEASED, "owned_by": "indextts"}
