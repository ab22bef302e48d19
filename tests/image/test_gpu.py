"""The images of IndexTTS-2, with torch's CPU build, on the tiny checkpoint of a loopback hub."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.image.audio import seconds_of
from tests.image.conftest import TOKEN
from tests.image.container import Container, Running, buildah
from tests.image.layers import layers_of
from tests.loopback.hub import LoopbackHub
from tests.loopback.indextts2_hub import wanted_files
from tests.loopback.runpod_queue import JobQueue

VOLUME = "runpod-volume/indextts"
WEIGHTS = "/opt/indextts/checkpoints"
NORMALISE = """
from adapters.indextts2.upstream import bare_package, import_model_classes
with bare_package():
    normalizer = import_model_classes().normalizer()
normalizer.load()
print(normalizer.normalize("It costs $21."))
"""


@contextmanager
def worker(
    container: Container, queue: JobQueue, logs: Path, **environment: str
) -> Iterator[Running]:
    """Start the image's own command with what a processor in the place of the GPU needs."""
    settings = {
        "DEVICE": "cpu",
        "NO_PROXY": "*",
        "OBJECT_STORE": "filesystem",
        "OMP_NUM_THREADS": "1",  # tensors this small are done before a second thread is awake
    }
    with container.started(
        logs=logs, **queue.worker_environment() | settings | environment
    ) as running:
        yield running


def test_start_up_on_an_empty_and_on_a_filled_volume(
    gpu: Container, hub: LoopbackHub, queue: JobQueue, tmp_path: Path
) -> None:
    spoken = gpu.root / VOLUME / "output_audio"
    hub.asked.clear()  # another image may have been built from it

    with worker(gpu, queue, tmp_path, HF_ENDPOINT=hub.endpoint) as first:
        job = queue.run({"text": "Hello.", "session_id": "first", "max_mel_tokens": 20})
        assert job.status == "COMPLETED", first.printed()
        assert first.stop() == 0
    fetched = hub.names()
    hub.asked.clear()
    hub.user_agents.clear()
    with worker(gpu, queue, tmp_path, HF_ENDPOINT=hub.endpoint) as second:
        job = queue.run({"text": "Hello.", "session_id": "second", "max_mel_tokens": 20})
        assert job.status == "COMPLETED", second.printed()

    assert sorted(fetched) == sorted(wanted_files(hub))
    assert (gpu.root / VOLUME / "bootstrap.log").stat().st_size > 0
    assert (hub.asked, hub.user_agents) == ([], set())
    assert seconds_of(spoken / "first.ogg") > 0
    assert seconds_of(spoken / "second.ogg") > 0


def test_the_grammars_are_compiled_in_the_image(gpu: Container, tmp_path: Path) -> None:
    (cache,) = gpu.root.glob("opt/app/lib/python3*/site-packages/indextts/utils/nemo_cache")
    before = {path.name: path.stat().st_mtime_ns for path in cache.iterdir()}

    printed = gpu.run("python", "-c", NORMALISE, logs=tmp_path)

    assert b"twenty one dollars" in printed
    assert {path.name: path.stat().st_mtime_ns for path in cache.iterdir()} == before
    assert {language for name in before for language in ("en", "zh") if language in name} == {
        *("en", "zh")
    }


def test_asks_the_container_runtime_for_a_gpu(gpu: Container) -> None:
    assert "NVIDIA_VISIBLE_DEVICES=all" in gpu.config["Env"]
    assert "NVIDIA_DRIVER_CAPABILITIES=compute,utility" in gpu.config["Env"]


def test_speaks_with_baked_weights_and_asks_the_hub_nothing(
    baked: Container, hub: LoopbackHub, queue: JobQueue, tmp_path: Path
) -> None:
    hub.asked.clear()
    hub.user_agents.clear()

    with worker(baked, queue, tmp_path, HF_ENDPOINT=hub.endpoint) as running:
        job = queue.run({"text": "Hello.", "session_id": "baked", "max_mel_tokens": 20})
        assert job.status == "COMPLETED", running.printed()

    assert (hub.asked, hub.user_agents) == ([], set())
    assert f"BAKED_WEIGHTS_DIR={WEIGHTS}" in baked.config["Env"]


def test_baked_weights_are_one_layer_below_the_application(baked: Container) -> None:
    *_, weights, application = layers_of(baked.image)

    assert [step.split()[-1] for step in (weights, application)] == ["/opt/indextts", "/app"]
    times = {path.stat().st_mtime for path in (baked.root / WEIGHTS[1:]).rglob("*")}
    assert times == {0.0}


def test_the_token_of_the_build_is_nowhere_in_the_image(baked: Container) -> None:
    inspected = buildah("inspect", "--type", "image", baked.image)
    folders = [baked.root / name for name in ("app", "etc", "opt/indextts", "root", "run", "tmp")]

    held = [
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and TOKEN.encode() in path.read_bytes()
    ]
    assert TOKEN not in inspected
    assert held == []


@pytest.mark.parametrize("name", ["cdifflib", "pynini", "nemo_text_processing", "indextts"])
def test_holds_what_the_grammars_and_the_model_need(gpu: Container, name: str) -> None:
    (packages,) = gpu.root.glob("opt/app/lib/python3*/site-packages")

    assert [path for path in packages.glob(f"{name}*") if path.suffix != ".dist-info"]
