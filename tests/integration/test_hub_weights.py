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
            places=CheckpointFiles(folder, hub_caches).places,
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
    """A hub cache's snapshot of ``repository``, as RunPod keeps it: no refs."""
    place = cache / f"models--{repository.replace('/', '--')}/snapshots/{hub.commit(repository)}"
    for path, content in hub.repositories[repository].items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(content)
    return place


def test_everything_wanted_is_fetched_and_found_by_the_engine(
    hub: LoopbackHub, weights: Weights, folder: Path
) -> None:
    fetched = weights().fetch(unwatched)

    assert named(fetched, WeightState.FETCHED) == set(wanted_files(hub)) == set(hub.names())
    files = CheckpointFiles(folder)
    assert files.missing_files() == ()
    for repository in REPOSITORIES:
        for path, content in hub.repositories[repository].items():
            place = files.path(repository, path)
            if f"{repository}/{path}" in wanted_files(hub):
                assert place.read_bytes() == content
            else:
                assert not place.exists()
    assert {path.name for path in (files.folder(MODEL) / WORDS_FOLDER).iterdir()} == set(
        WORDS_FILES
    )


def test_a_second_run_fetches_nothing(hub: LoopbackHub, weights: Weights) -> None:
    first = weights().fetch(unwatched)
    hub.asked.clear()

    second = weights().fetch(unwatched)

    assert hub.asked == []
    assert named(second, WeightState.VERIFIED) == named(first, WeightState.FETCHED)


def test_a_hub_without_the_optional_files_is_good_enough(
    hub: LoopbackHub, weights: Weights, folder: Path
) -> None:
    for path in list(hub.repositories[MODEL]):
        if path.startswith(WORDS_FOLDER) or path == "glossary.yaml":
            del hub.repositories[MODEL][path]

    weights().fetch(unwatched)

    assert CheckpointFiles(folder).missing_files() == ()
    assert not (folder / WORDS_FOLDER).exists()


def test_an_interrupted_fetch_goes_on_with_the_rest_only(
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


def test_a_connection_that_breaks_again_and_again_is_enough_while_bytes_come(
    hub: LoopbackHub, weights: Weights, folder: Path
) -> None:
    hub.cuts[GPT] = [100_000, 100_000, 100_000]

    weights().fetch(unwatched)

    ranges = [asked.range for asked in hub.asked if asked.name == GPT]
    assert ranges == [None, "bytes=100000-", "bytes=200000-", "bytes=300000-"]
    assert (folder / "gpt.pth").read_bytes() == CONTENT_OF_GPT


def test_a_mirror_without_ranges_gives_the_whole_file_again(
    hub: LoopbackHub, weights: Weights, folder: Path
) -> None:
    hub.ignores_ranges = True
    hub.cuts[GPT] = [100_000]

    weights().fetch(unwatched)

    assert (folder / "gpt.pth").read_bytes() == CONTENT_OF_GPT


def test_a_busy_hub_is_asked_again(hub: LoopbackHub, weights: Weights, folder: Path) -> None:
    hub.refusals[MODEL] = [503, 429]
    hub.refusals[GPT] = [503, 500]

    weights(waits_seconds=(0.01, 0.01)).fetch(unwatched)

    assert CheckpointFiles(folder).missing_files() == ()


def test_a_hub_that_stays_busy_is_given_up(hub: LoopbackHub, weights: Weights) -> None:
    hub.refusals[GPT] = [503] * 3

    with pytest.raises(ModelUnavailable, match=rf"no time for {GPT} \(HTTP 503\).* later"):
        weights(waits_seconds=(0.01, 0.01)).fetch(unwatched)


@pytest.mark.parametrize("path", ["gpt.pth", "config.yaml"])
def test_bytes_with_another_hash_are_removed_and_named(
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


def test_a_file_that_decayed_on_the_disk_is_fetched_again(
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


def test_no_interruption_leaves_two_versions_side_by_side(
    hub: LoopbackHub, weights: Weights, folder: Path
) -> None:
    weights().fetch(unwatched)
    hub.repositories[MODEL]["config.yaml"] = b"a newer version"
    hub.repositories[MODEL]["s2mel.pth"] = b"a newer version" * 1_000
    hub.cuts[f"{MODEL}/s2mel.pth"] = [10, 0]

    with pytest.raises(ModelUnavailable):
        weights().fetch(unwatched)

    assert "s2mel.pth" in CheckpointFiles(folder).missing_files()


def test_unfinished_bytes_of_an_older_version_are_swept_away(
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
def test_a_refusal_asks_for_a_token_and_the_licence(
    hub: LoopbackHub, weights: Weights, status: int
) -> None:
    hub.refusals[GPT] = [status]

    with pytest.raises(ModelUnavailable, match=f"refuses {GPT}.*HF_TOKEN.*licence"):
        weights().fetch(unwatched)


def test_a_private_hub_opens_to_the_token_and_storage_never_sees_it(
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
    assert hub.tokens_at_storage == set()
    assert TOKEN not in repr(opened)


def test_a_missing_file_is_named_with_its_repository(hub: LoopbackHub, weights: Weights) -> None:
    del hub.repositories[VOCODER]["bigvgan_generator.pt"]

    with pytest.raises(ModelUnavailable, match=f"no bigvgan_generator.pt in {VOCODER};"):
        weights().fetch(unwatched)


def test_a_listed_file_that_is_not_there_is_named(hub: LoopbackHub, weights: Weights) -> None:
    hub.refusals[GPT] = [404]

    with pytest.raises(ModelUnavailable, match=f"the hub has no {GPT};"):
        weights().fetch(unwatched)


def test_a_missing_repository_is_named(hub: LoopbackHub, weights: Weights) -> None:
    del hub.repositories[VOCODER]

    with pytest.raises(ModelUnavailable, match=f"the hub has no {VOCODER};"):
        weights().fetch(unwatched)


def test_a_listing_cannot_write_outside_of_the_folder(
    hub: LoopbackHub, weights: Weights, tmp_path: Path
) -> None:
    hub.repositories[MODEL][f"{WORDS_FOLDER}/../../planted"] = b"x"

    with pytest.raises(ModelUnavailable, match="cannot be trusted"):
        weights().fetch(unwatched)

    assert not (tmp_path / "planted").exists()


def test_a_full_disk_says_how_much_is_needed_before_anything_is_fetched(
    hub: LoopbackHub, weights: Weights
) -> None:
    hub.forced_sizes[GPT] = 1 << 60

    with pytest.raises(ModelUnavailable, match=r"disk is full.* needs 1,152,921,50.* MB more"):
        weights().fetch(unwatched)

    assert hub.asked == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux's own")
def test_a_disk_that_fills_up_says_how_much_is_needed(
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


def test_a_folder_that_cannot_be_made_is_said(
    weights: Weights, folder: Path, tmp_path: Path
) -> None:
    folder.write_text("a file where the folder should be")

    with pytest.raises(ModelUnavailable, match="set CHECKPOINTS_DIR") as said:
        weights().fetch(unwatched)

    assert str(tmp_path) not in str(said.value)


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:1", "http://[", "ftp://127.0.0.1"])
def test_a_hub_that_cannot_be_reached_is_said(weights: Weights, endpoint: str) -> None:
    with pytest.raises(
        ModelUnavailable, match=r"check the network and HF_ENDPOINT|no Hugging Face"
    ):
        weights(endpoint=endpoint).check(unwatched)


def test_an_answer_that_is_no_hubs_is_said(hub: LoopbackHub, weights: Weights) -> None:
    hub.repositories[MODEL]["gpt.pth"] = b"x" * 2_000
    hub.forced_sizes[GPT] = None  # type: ignore[assignment]

    with pytest.raises(ModelUnavailable, match="no Hugging Face hub; check HF_ENDPOINT"):
        weights().fetch(unwatched)


def test_models_that_the_machine_keeps_are_used_where_they_are(
    hub: LoopbackHub, weights: Weights, folder: Path, tmp_path: Path
) -> None:
    for repository in REPOSITORIES:
        snapshot(tmp_path / "cache", hub, repository)

    had = weights(hub_caches=[tmp_path / "cache"]).fetch(unwatched)

    assert named(had, WeightState.VERIFIED) == set(wanted_files(hub))
    assert hub.asked == []
    assert [path.name for path in folder.iterdir()] == [".download"]


def test_a_cache_that_lacks_something_is_completed_by_copies(
    hub: LoopbackHub, weights: Weights, folder: Path, tmp_path: Path
) -> None:
    place = snapshot(tmp_path / "cache", hub, MODEL)
    (place / WORDS_FOLDER / "model.safetensors").unlink()
    (place / "feat1.pt").write_bytes(b"decayed")

    had = weights(hub_caches=[tmp_path / "cache"]).fetch(unwatched)

    lacking = {f"{MODEL}/{WORDS_FOLDER}/model.safetensors", f"{MODEL}/feat1.pt"}
    of_the_model = {name for name in wanted_files(hub) if name.startswith(MODEL)}
    assert lacking == {name for name in hub.names() if name.startswith(MODEL)}
    assert named(had, WeightState.COPIED) == of_the_model - lacking
    assert CheckpointFiles(folder, [tmp_path / "cache"]).folder(MODEL) == folder
    assert (place / "feat1.pt").read_bytes() == b"decayed"


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
