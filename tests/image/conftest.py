"""The images, built from the Dockerfile, and containers of them; skipped where that cannot be."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.image.container import Container, container_of
from tests.loopback.hub import LoopbackHub
from tests.loopback.indextts2_hub import hub_of_checkpoint
from tests.loopback.runpod_queue import JobQueue

ROOT = Path(__file__).parents[2]
WORK = Path(os.environ.get("IMAGE_TEST_DIR") or "/var/tmp/indextts-image")
NAME = "localhost/indextts-runpod"
TOKEN = "hf_a-token-that-stays-out-of-the-image"


def build(target: str, *arguments: str, name: str, **environment: str) -> str:
    """Build a target and return the name of its image."""
    log = WORK / f"{name}.log"
    began = time.monotonic()
    with log.open("wb") as sink:
        done = subprocess.run(
            [ROOT / "scripts" / "build-image", target, *arguments],
            env=os.environ | {"IMAGE": f"{NAME}:{name}"} | environment,
            stdout=sink,
            stderr=subprocess.STDOUT,
            check=False,
        )
    assert done.returncode == 0, "\n".join(log.read_text(errors="replace").splitlines()[-60:])
    print(f"{target} built in {time.monotonic() - began:.0f} s")
    return f"{NAME}:{name}"


@pytest.fixture(scope="session", autouse=True)
def storage() -> None:
    """Use the storage of ``scripts/build-image``."""
    if reason := _hindrance():
        pytest.skip(reason)
    WORK.mkdir(parents=True, exist_ok=True)
    os.environ["CONTAINERS_STORAGE_CONF"] = str(WORK / "storage.conf")


@pytest.fixture(scope="session")
def preview_image() -> str:
    return build("preview", name="preview")


@pytest.fixture(scope="session")
def cpu_torch() -> dict[str, str]:
    """Return the settings with which a build finds torch's CPU build.

    CPU_TORCH_INDEX names its index. Without it the build sees the wheels that this machine's pip
    knows, and where none of them is torch, it takes the CUDA build.
    """
    index = os.environ.get("CPU_TORCH_INDEX", "")
    return {"TORCH_INDEX": index} if index else {"LOCAL_WHEELS": "true"}


@pytest.fixture(scope="session")
def gpu_image(cpu_torch: dict[str, str]) -> str:
    """Build the target ``gpu`` with torch's CPU build: smaller, with every other step the same."""
    return build("gpu", name="gpu-with-cpu-torch", **cpu_torch)


@pytest.fixture(scope="session")
def baked_image(gpu_image: str, hub: LoopbackHub, cpu_torch: dict[str, str]) -> str:
    """Bake the tiny checkpoint of the loopback hub, which refuses requests without the token."""
    secret = WORK / "hf_token"
    secret.write_text(TOKEN)
    hub.token = TOKEN
    try:
        return build(
            "gpu-baked",
            *("--secret", f"id=hf_token,src={secret}"),
            *("--build-arg", f"HF_ENDPOINT={hub.endpoint}"),
            name="gpu-baked-tiny",
            **cpu_torch,
        )
    finally:
        hub.token = ""
        secret.unlink()


@pytest.fixture(scope="session")
def preview(preview_image: str) -> Iterator[Container]:
    with container_of(preview_image) as container:
        yield container


@pytest.fixture(scope="session")
def gpu(gpu_image: str) -> Iterator[Container]:
    with container_of(gpu_image) as container:
        yield container


@pytest.fixture(scope="session")
def baked(baked_image: str) -> Iterator[Container]:
    with container_of(baked_image) as container:
        yield container


@pytest.fixture(scope="session")
def hub(checkpoint: Path) -> Iterator[LoopbackHub]:
    with hub_of_checkpoint(checkpoint).running() as running:
        yield running


@pytest.fixture
def queue() -> Iterator[JobQueue]:
    with closing(JobQueue()) as opened:
        yield opened


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say once why all tests were skipped."""
    if reason := _hindrance():
        terminalreporter.write_line(f"no image can be built here: {reason}")


def _hindrance() -> str:
    if os.geteuid() != 0:
        return "it takes root"
    for program in ("buildah", "mmdebstrap"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        return "this machine allows no mounts"
    return ""
