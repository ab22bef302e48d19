"""Settings of the weights: where an image brings them, and whether missing ones are fetched."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic_settings import BaseSettings


class WeightSettings(BaseSettings):
    """Settings of the weights beside the checkpoints folder and the hub.

    ``missing_weights`` is no variable: a worker fetches them, a command reports them.
    """

    missing_weights: ClassVar[Literal["fetched", "reported"]] = "reported"
    baked_weights_dir: Path | None = None
