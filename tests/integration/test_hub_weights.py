"""Weights from a hub on this machine, through the real client, onto the real disk."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from huggingface_hub import close_session

from adapters.hub_weights.weights import HubWeights
from adapters.indextts2.checkpoint_files import (
    MODEL,
    NEEDED_FILES,
    REPOSITORIES,
    VOCODER,
    WORDS_FOLDER,
    CheckpointFiles,
)
from application.ports.weights import (
    WeightFile,
    WeightProgress,
    WeightSource,
    WeightState,
    WeightStep,
)
from domain.errors import ModelUnavailable
from tests.contracts.weight_source import WeightSourceContract, unwatched
from tests.loopback.hub import Asked, LoopbackHub
from tests.loopback.indextts2_hub import GPT, WORDS_FILES, indextts2_hub, wanted_files

TOKEN = "hf_a-token-that-nobody-may-see"
CONTENT_OF_GPT = indextts2_hub().repositories[MODEL]["gpt.pth"]

Weights = Callable[..., HubWeights]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    monkeypatch.setenv("NO_PROXY", "*")
    with indextts2_hub().running() as hub:
        yield hub
    close_session()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints"


@pytest.fixture
def weights(hub: LoopbackHub, folder: Path) -> Weights:
    def weights(
        *,
        hub_caches: Sequence[Path] = (),
        token: str = "",
        endpoint: str = "",
        waits_seconds: Sequence[float] = (),
    ) -> HubWeights:
        return HubWeights(
            needed=NEEDED_FILES,
            folder=folder,
            folders_of=CheckpointFiles(folder, hub_caches).folders,
            endpoint=endpoint or hub.endpoint,
            token=token,
            waits_seconds=waits_seconds,
        )

    return weights


class TestHubWeights(WeightSourceContract):
    @pytest.fixture(autouse=True)
    def _machine(self, hub: LoopbackHub, folder: Path, weights: Weights) -> None:
        self.hub, self.weights = hub, weights
        self.files = CheckpointFiles(folder)

    @pytest.fixture
    def source(self, weights: Weights) -> WeightSource:
        return weights()

    def contents(self, source: WeightSource) -> dict[str, bytes]:
        return wanted_files(self.hub)

    def large_file(self, source: WeightSource) -> str:
        return GPT

    def content_here(self, source: WeightSource, name: str) -> bytes | None:
        path = self.path(name)
        return path.read_bytes() if path.is_file() else None

    def write_here(self, source: WeightSource, name: str, content: bytes | None) -> None:
        if content is None:
            self.path(name).unlink()
        else:
            self.path(name).write_bytes(content)

    def interrupt(self, source: WeightSource, name: str, *, after_bytes: int) -> None:
        self.hub.cuts[name] = [after_bytes, 0]

    def disconnect(self, source: WeightSource) -> WeightSource:
        return self.weights(endpoint="http://127.0.0.1:1")

    def path(self, name: str) -> Path:
        organisation, repository, path = name.split("/", 2)
        return self.files.path(f"{organisation}/{repository}", path)


def named(files: Sequence[WeightFile], state: WeightState) -> set[str]:
    return {file.name for file in files if file.state is state}


def partials(folder: Path) -> list[Path]:
    return list((folder / ".download").glob("*.partial"))


def snapshot(cache: Path, hub: LoopbackHub, repository: str) -> Path:
    """Make a hub cache's snapshot of ``repository``, as RunPod keeps it: no refs."""
    where = cache / f"models--{repository.replace('/', '--')}/snapshots/{hub.commit(repository)}"
    for path, content in hub.repositories[repository].items():
        (where / path).parent.mkdir(parents=True, exist_ok=True)
        (where / path).write_bytes(content)
    return where


def test_the_engine_finds_every_needed_file_after_a_fetch(
    hub: LoopbackHub, weights: Weights, folder: Path
) -> None:
    fetched = weights().fetch(unwatched)

    assert named(fetched, WeightState.FETCHED) == set(wanted_files(hub)) == set(hub.names())
    files = CheckpointFiles(folder)
    assert files.missing_files() == ()
    for repository in REPOSITORIES:
        for path, content in hub.repositories[repository].items():
            found = files.path(repository, path)
            if f"{repository}/{path}" in wanted_files(hub):
                assert found.read_bytes() == content
            else:
                assert not found.exists()
    assert {path.name for path in (files.folder(MODEL) / WORDS_FOLDER).iterdir()} == set(
        WORDS_FILES
    )


def test_a_second_run_fetches_nothing(hub: LoopbackHub, weights: Weights) -> None:
    first = weights().fetch(unwatched)
    hub.asked.clear()

    second = weights().fetch(unwatched)

    assert hub.asked == []
    assert named(second, WeightState.VERIFIED) == named(first, WeightState.FETCHED)


def test_fetches_from_a_hub_without_the_optional_files(
    hub: LoopbackHub, weights: Weights, folder: Path
) -> None:
    for path in list(hub.repositories[MODEL]):
        if path.startswith(WORDS_FOLDER) or path == "glossary.yaml":
            del hub.repositories[MODEL][path]

    weights().fetch(unwatched)

    assert CheckpointFiles(folder).missing_files() == ()
    assert not (folder / WORDS_FOLDER).exists()


def test_an_interrupted_fetch_requests_only_the_missing_bytes(
    hub: LoopbackHub, weights: Weights, folder: Path
) -> None:
    hub.cuts[GPT] = [150_000, 0]
    with pytest.raises(ModelUnavailable, match="goes on where it stopped"):
        weights().fetch(unwatched)
    assert not (folder / "gpt.pth").exists()
    assert "gpt.pth" in CheckpointFiles(folder).missing_files()
    hub.asked.clear()

    weights().fetch(unwatched)

    assert [asked for asked in hub.asked if asked.name == GPT] == [Asked(GPT, "bytes=150000-")]
    assert (folder / "gpt.pth").read_bytes() == CONTENT_OF_GPT


def test_continues_after_every_broken_connection_that_brought_bytes(
    hub: LoopbackHub, weights: Weights, folder: Path
) -> None:
    hub.cuts[GPT] = [100_000, 100_000, 100_000]

    weights().fetch(unwatched)

    ranges = [asked.range for asked in hub.asked if asked.name == GPT]
    assert ranges == [None, "bytes=100000-", "bytes=200000-", "bytes=300000-"]
    assert (folder / "gpt.pth").read_bytes() == CONTENT_OF_GPT


def test_starts_a_file_again_at_a_mirror_without_byte_ranges(
    hub: LoopbackHub, weights: Weights, folder: Path
) -> None:
    hub.ignores_ranges = True
    hub.cuts[GPT] = [100_000]

    weights().fetch(unwatched)

    assert (folder / "gpt.pth").read_bytes() == CONTENT_OF_GPT


def test_repeats_requests_to_a_busy_hub(hub: LoopbackHub, weights: Weights, folder: Path) -> None:
    hub.refusals[MODEL] = [503, 429]
    hub.refusals[GPT] = [503, 500]

    weights(waits_seconds=(0.01, 0.01)).fetch(unwatched)

    assert CheckpointFiles(folder).missing_files() == ()


def test_gives_up_a_hub_that_stays_busy(hub: LoopbackHub, weights: Weights) -> None:
    hub.refusals[GPT] = [503] * 3

    with pytest.raises(ModelUnavailable, match=rf"overloaded .* {GPT} \(HTTP 503\);.* later"):
        weights(waits_seconds=(0.01, 0.01)).fetch(unwatched)


@pytest.mark.parametrize("path", ["gpt.pth", "config.yaml"])
def test_removes_and_names_a_file_with_another_hash(
    hub: LoopbackHub, weights: Weights, folder: Path, path: str
) -> None:
    hub.corrupted = {f"{MODEL}/{path}"}

    with pytest.raises(ModelUnavailable, match=f"{MODEL}/{path} arrived damaged.* was removed"):
        weights().fetch(unwatched)

    assert path in CheckpointFiles(folder).missing_files()
    assert partials(folder) == []
    hub.corrupted = set()
    weights().fetch(unwatched)
    assert CheckpointFiles(folder).missing_files() == ()


def test_fetches_a_file_again_that_was_damaged_on_the_disk(
    hub: LoopbackHub, weights: Weights, folder: Path
) -> None:
    weights().fetch(unwatched)
    (folder / "gpt.pth").write_bytes(CONTENT_OF_GPT[:-1] + b"?")
    (folder / VOCODER / "config.json").write_bytes(b"{")
    hub.asked.clear()

    again = weights().fetch(unwatched)

    assert named(again, WeightState.FETCHED) == {GPT, f"{VOCODER}/config.json"}
    assert sorted(hub.names()) == sorted([GPT, f"{VOCODER}/config.json"])
    assert (folder / "gpt.pth").read_bytes() == CONTENT_OF_GPT


def test_an_interruption_never_leaves_files_of_two_versions(
    hub: LoopbackHub, weights: Weights, folder: Path
) -> None:
    weights().fetch(unwatched)
    hub.repositories[MODEL]["config.yaml"] = b"a newer version"
    hub.repositories[MODEL]["s2mel.pth"] = b"a newer version" * 1_000
    hub.cuts[f"{MODEL}/s2mel.pth"] = [10, 0]

    with pytest.raises(ModelUnavailable):
        weights().fetch(unwatched)

    assert "s2mel.pth" in CheckpointFiles(folder).missing_files()


def test_removes_unfinished_bytes_of_an_older_version(
    hub: LoopbackHub, weights: Weights, folder: Path
) -> None:
    hub.cuts[GPT] = [150_000, 0]
    with pytest.raises(ModelUnavailable):
        weights().fetch(unwatched)
    hub.repositories[MODEL]["gpt.pth"] = b"a newer version" * 1_000

    weights().fetch(unwatched)

    assert partials(folder) == []
    assert (folder / "gpt.pth").read_bytes() == b"a newer version" * 1_000


@pytest.mark.parametrize("status", [401, 403])
def test_the_message_of_a_refusal_names_the_token_and_the_licence(
    hub: LoopbackHub, weights: Weights, status: int
) -> None:
    hub.refusals[GPT] = [status]

    with pytest.raises(ModelUnavailable, match=f"refuses {GPT}.*HF_TOKEN.*licence"):
        weights().fetch(unwatched)


def test_sends_the_token_to_a_private_hub_and_never_to_its_file_server(
    hub: LoopbackHub, weights: Weights, folder: Path
) -> None:
    hub.token = TOKEN
    for wrong in ("", "hf_another"):
        with pytest.raises(ModelUnavailable, match="HF_TOKEN") as refused:
            weights(token=wrong).fetch(unwatched)
        assert "hf_another" not in str(refused.value)

    opened = weights(token=TOKEN)
    opened.fetch(unwatched)

    assert CheckpointFiles(folder).missing_files() == ()
    assert hub.tokens_at_file_server == set()
    assert TOKEN not in repr(opened)


def test_names_a_missing_file_with_its_repository(hub: LoopbackHub, weights: Weights) -> None:
    del hub.repositories[VOCODER]["bigvgan_generator.pt"]

    with pytest.raises(ModelUnavailable, match=f"no bigvgan_generator.pt in {VOCODER};"):
        weights().fetch(unwatched)


def test_names_a_listed_file_that_is_not_there(hub: LoopbackHub, weights: Weights) -> None:
    hub.refusals[GPT] = [404]

    with pytest.raises(ModelUnavailable, match=f"the hub has no {GPT};"):
        weights().fetch(unwatched)


def test_names_a_missing_repository(hub: LoopbackHub, weights: Weights) -> None:
    del hub.repositories[VOCODER]

    with pytest.raises(ModelUnavailable, match=f"the hub has no {VOCODER};"):
        weights().fetch(unwatched)


def test_refuses_a_listing_that_leads_out_of_the_folder(
    hub: LoopbackHub, weights: Weights, tmp_path: Path
) -> None:
    hub.repositories[MODEL][f"{WORDS_FOLDER}/../../planted"] = b"x"

    with pytest.raises(ModelUnavailable, match="cannot be trusted"):
        weights().fetch(unwatched)

    assert not (tmp_path / "planted").exists()


def test_names_the_space_it_needs_before_it_fetches_onto_a_full_disk(
    hub: LoopbackHub, weights: Weights
) -> None:
    hub.forced_sizes[GPT] = 1 << 60

    with pytest.raises(ModelUnavailable, match=r"disk is full.* needs 1,152,921,50.* MB more"):
        weights().fetch(unwatched)

    assert hub.asked == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux's own")
def test_names_the_space_it_needs_when_the_disk_becomes_full(
    hub: LoopbackHub, weights: Weights, folder: Path
) -> None:
    hub.cuts[GPT] = [1, 0]
    with pytest.raises(ModelUnavailable):
        weights().fetch(unwatched)
    (partial,) = partials(folder)
    partial.unlink()
    partial.symlink_to("/dev/full")  # every write to it fails for want of space

    with pytest.raises(ModelUnavailable, match=r"the disk is full: .* needs 0\.\d MB more") as full:
        weights().fetch(unwatched)

    assert str(folder) not in str(full.value)


def test_a_folder_that_cannot_be_made_names_its_setting(
    weights: Weights, folder: Path, tmp_path: Path
) -> None:
    folder.write_text("a file where the folder should be")

    with pytest.raises(ModelUnavailable, match="set CHECKPOINTS_DIR") as failed:
        weights().fetch(unwatched)

    assert str(tmp_path) not in str(failed.value)


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:1", "http://[", "ftp://127.0.0.1"])
def test_a_hub_that_cannot_be_reached_names_its_setting(weights: Weights, endpoint: str) -> None:
    with pytest.raises(
        ModelUnavailable, match=r"check the network and HF_ENDPOINT|no Hugging Face"
    ):
        weights(endpoint=endpoint).check(unwatched)


def test_an_answer_of_another_service_names_the_setting_of_the_hub(
    hub: LoopbackHub, weights: Weights
) -> None:
    hub.repositories[MODEL]["gpt.pth"] = b"x" * 2_000
    hub.forced_sizes[GPT] = None  # type: ignore[assignment]

    with pytest.raises(ModelUnavailable, match="no Hugging Face hub; check HF_ENDPOINT"):
        weights().fetch(unwatched)


def test_leaves_complete_repositories_in_the_caches_of_the_machine(
    hub: LoopbackHub, weights: Weights, folder: Path, tmp_path: Path
) -> None:
    for repository in REPOSITORIES:
        snapshot(tmp_path / "cache", hub, repository)

    had = weights(hub_caches=[tmp_path / "cache"]).fetch(unwatched)

    assert named(had, WeightState.VERIFIED) == set(wanted_files(hub))
    assert hub.asked == []
    assert [path.name for path in folder.iterdir()] == [".download"]


def test_copies_the_files_of_an_incomplete_cache_and_fetches_the_rest(
    hub: LoopbackHub, weights: Weights, folder: Path, tmp_path: Path
) -> None:
    cached = snapshot(tmp_path / "cache", hub, MODEL)
    (cached / WORDS_FOLDER / "model.safetensors").unlink()
    (cached / "feat1.pt").write_bytes(b"damaged")

    had = weights(hub_caches=[tmp_path / "cache"]).fetch(unwatched)

    missing = {f"{MODEL}/{WORDS_FOLDER}/model.safetensors", f"{MODEL}/feat1.pt"}
    of_the_model = {name for name in wanted_files(hub) if name.startswith(MODEL)}
    assert missing == {name for name in hub.names() if name.startswith(MODEL)}
    assert named(had, WeightState.COPIED) == of_the_model - missing
    assert CheckpointFiles(folder, [tmp_path / "cache"]).folder(MODEL) == folder
    assert (cached / "feat1.pt").read_bytes() == b"damaged"


def test_check_names_each_missing_and_damaged_file_and_changes_nothing(
    hub: LoopbackHub, weights: Weights, folder: Path
) -> None:
    assert named(weights().check(unwatched), WeightState.MISSING) == set(wanted_files(hub))
    assert not folder.exists()
    weights().fetch(unwatched)
    (folder / "gpt.pth").write_bytes(os.urandom(len(CONTENT_OF_GPT)))
    (folder / WORDS_FOLDER / "merges.txt").unlink()
    hub.asked.clear()

    checked = weights().check(unwatched)

    assert named(checked, WeightState.DAMAGED) == {GPT}
    assert named(checked, WeightState.MISSING) == {f"{MODEL}/{WORDS_FOLDER}/merges.txt"}
    assert (folder / "gpt.pth").exists()
    assert hub.asked == []


def test_progress_reaches_the_length_of_each_file(hub: LoopbackHub, weights: Weights) -> None:
    told: list[WeightProgress] = []

    weights().fetch(told.append)

    for name, content in wanted_files(hub).items():
        for step in (WeightStep.FETCHING, WeightStep.VERIFYING):
            done = [one.done_bytes for one in told if (one.step, one.name) == (step, name)]
            assert done == sorted(done)
            assert done[-1] == len(content)
    assert {one.total_bytes for one in told if one.name == GPT} == {len(CONTENT_OF_GPT)}
