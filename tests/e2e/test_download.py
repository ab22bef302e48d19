"""``indextts-runpod download`` as a person and a program use it, in a process of its own."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from adapters.indextts2.checkpoint_files import MODEL, CheckpointFiles
from tests.e2e.conftest import Run, home_settings
from tests.e2e.terminal import run_on_terminal
from tests.loopback.forked_cli import ForkedCli
from tests.loopback.hub import LoopbackHub
from tests.loopback.indextts2_hub import GPT, indextts2_hub, wanted_files
from tests.loopback.worker_process import ROOT

COMMAND = [sys.executable, "-m", "entrypoints.cli", "download"]
TOKEN = "hf_a-token-that-stays-secret"


@pytest.fixture
def hub() -> Iterator[LoopbackHub]:
    with indextts2_hub().running() as hub:
        yield hub


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints"


@pytest.fixture
def environment(hub: LoopbackHub, tmp_path: Path) -> dict[str, str]:
    """Return settings that lead to the hub of the test, with a token."""
    return home_settings(tmp_path) | {
        "NO_PROXY": "*",
        "HF_ENDPOINT": hub.endpoint,
        "HF_TOKEN": TOKEN,
    }


@pytest.fixture
def run(cli: ForkedCli, environment: dict[str, str]) -> Run:
    def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return cli.run("download", *arguments, environment=environment | settings)

    return run


@contextmanager
def started(environment: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    pipe = subprocess.PIPE
    with subprocess.Popen(
        COMMAND, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def put_everything(hub: LoopbackHub, folder: Path) -> None:
    """Write the files that a download leaves behind."""
    for name, content in wanted_files(hub).items():
        path = folder / name.removeprefix(f"{MODEL}/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def test_a_pipe_gets_one_line_a_file_and_the_folder(
    hub: LoopbackHub, run: Run, folder: Path
) -> None:
    done = run()

    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{folder}\n"
    *lines, summary = done.stderr.splitlines()
    names = list(wanted_files(hub))
    assert sorted(line.split()[1] for line in lines) == sorted(names)
    assert f"Fetching {GPT} (0.4 MB)" in lines
    assert f"{len(names)} of {len(names)} files verified, {len(names)} fetched" in summary
    assert CheckpointFiles(folder).missing_files() == ()


def test_nothing_else_is_sent_to_the_hub_or_written_to_the_home_folder(
    hub: LoopbackHub, run: Run, tmp_path: Path
) -> None:
    run()

    assert (hub.user_agents, hub.strange) == ({"indextts-runpod"}, [])
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoints"]


def test_json_is_one_object_and_nothing_else(hub: LoopbackHub, run: Run) -> None:
    first, second = run("--json"), run("--json")

    assert (first.stderr, second.stderr) == ("", "")
    result = json.loads(first.stdout)
    sizes = {name: len(content) for name, content in wanted_files(hub).items()}
    assert result["status"] == "completed"
    assert {file["name"]: file["size_bytes"] for file in result["files"]} == sizes
    assert {file["state"] for file in result["files"]} == {"fetched"}
    assert result["fetched_bytes"] == sum(sizes.values())
    assert json.loads(second.stdout)["fetched_bytes"] == 0
    assert len(hub.asked) == len(sizes)


def test_check_fails_and_names_what_is_missing_or_damaged(
    hub: LoopbackHub, run: Run, folder: Path
) -> None:
    put_everything(hub, folder)
    assert run("--check").returncode == 0
    (folder / "gpt.pth").write_bytes(b"decayed")
    (folder / "bpe.model").unlink()

    printed, read = run("--check"), run("--check", "--json")

    assert (printed.returncode, read.returncode) == (1, 1)
    assert f"damaged: {GPT}\n" in printed.stderr
    assert "missing: IndexTeam/IndexTTS-2/bpe.model\n" in printed.stderr
    assert "-> run indextts-runpod download" in printed.stderr
    result = json.loads(read.stdout)
    assert (result["status"], result["damaged"]) == ("incomplete", [GPT])
    assert hub.asked == []


def test_a_terminal_shows_bars(environment: dict[str, str]) -> None:
    done = run_on_terminal(COMMAND, environment)

    assert done.returncode == 0
    assert "Fetching IndexTTS-2/gpt.pth" in done.shown
    assert "100%" in done.shown


def test_a_refusal_is_one_line_of_advice_without_the_token(hub: LoopbackHub, run: Run) -> None:
    hub.token = "hf_another"

    done = run(LOG_LEVEL="DEBUG")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("indextts-runpod: model_unavailable: the hub refuses")
    assert "HF_TOKEN" in done.stderr
    assert done.stderr.count("\n") == 1
    assert TOKEN not in done.stderr


@pytest.mark.parametrize(
    ("settings", "status", "complaint"),
    [
        ({"HF_ENDPOINT": "hub.example"}, 2, "HF_ENDPOINT: must"),
        ({"HF_TOKEN": f"{TOKEN} and more"}, 2, "HF_TOKEN: must be a token"),
        ({"HF_HUB_OFFLINE": "1"}, 1, "HF_HUB_OFFLINE is set"),
        ({"CHECKPOINTS_DIR": "/proc/nowhere"}, 1, "set CHECKPOINTS_DIR to another folder"),
    ],
)
def test_settings_that_cannot_work_are_one_clear_line(
    run: Run, settings: dict[str, str], status: int, complaint: str
) -> None:
    done = run(**settings)

    assert (done.returncode, done.stdout) == (status, "")
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1
    assert TOKEN not in done.stderr


def test_without_the_hubs_package_the_error_names_the_extra(environment: dict[str, str]) -> None:
    program = (
        "import sys; sys.modules['huggingface_hub'] = None\n"
        "from entrypoints.cli.main import main\n"
        "sys.argv = ['indextts-runpod', 'download']; main()"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "huggingface-hub is missing or broken; install the extra indextts" in done.stderr


def test_a_token_works_with_the_line_break_it_was_pasted_with(hub: LoopbackHub, run: Run) -> None:
    hub.token = TOKEN

    assert run(HF_TOKEN=f"{TOKEN}\n").returncode == 0


def test_a_killed_download_leaves_no_finished_file_and_is_resumed(
    hub: LoopbackHub, environment: dict[str, str], run: Run, folder: Path
) -> None:
    hub.stalls[GPT] = 150_000
    digest = hashlib.sha256(wanted_files(hub)[GPT]).hexdigest()
    partial = folder / ".download" / f"{digest}.partial"
    with started(environment) as killed:
        while not partial.exists() or partial.stat().st_size < 140_000:
            assert killed.poll() is None
        killed.kill()
    assert "gpt.pth" in CheckpointFiles(folder).missing_files()
    hub.stalls.clear()
    hub.asked.clear()

    assert run().returncode == 0

    (asked,) = [asked for asked in hub.asked if asked.name == GPT]
    assert asked.range is not None
    assert int(asked.range.removeprefix("bytes=").removesuffix("-")) >= 140_000
    assert (folder / "gpt.pth").read_bytes() == wanted_files(hub)[GPT]


def test_two_workers_on_one_volume_fetch_each_file_once(
    hub: LoopbackHub, environment: dict[str, str], folder: Path
) -> None:
    hub.gate.clear()
    with started(environment) as first:
        while not hub.asked:
            assert first.poll() is None
        with started(environment) as second:
            assert second.stderr is not None
            assert "waiting" in second.stderr.readline()
            hub.gate.set()
            *_, summary = second.communicate()[1].splitlines()
        first.communicate()

    assert (first.returncode, second.returncode) == (0, 0)
    assert ", 0 fetched" in summary
    assert sorted(hub.names()) == sorted(wanted_files(hub))
    assert CheckpointFiles(folder).missing_files() == ()
