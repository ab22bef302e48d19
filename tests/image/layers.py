"""The layers of a built image, as far as the storage tells them."""

import io
import json
import tarfile
from pathlib import Path

from tests.image.container import buildah


def layers_of(image: str) -> list[str]:
    """Return the steps that made the layers of ``image``, the lowest first."""
    inspected = json.loads(buildah("inspect", "--type", "image", image))
    history = inspected["OCIv1"]["history"]
    return [step["created_by"] for step in history if not step.get("empty_layer", False)]


def packed_bytes(folder: Path) -> int:
    """Return the size of ``folder`` as registries keep it: a tar archive, compressed by gzip."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(folder, arcname=folder.name)
    return packed.tell()
