"""Builds with another package of the model."""

import subprocess
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.image.conftest import build

FILES = {
    "pyproject.toml": '[project]\nname = "a-fork"\nversion = "1.0"\n',
    "indextts/__init__.py": "",
    "indextts/utils/__init__.py": "",
    "indextts/utils/front.py": "class TextNormalizer: ...\nclass TextTokenizer: ...\n",
}


@pytest.fixture
def fork(tmp_path: Path) -> Iterator[str]:
    """Serve a git repository with a package that lacks the model; return its URL."""
    source = tmp_path / "source"
    for name, content in FILES.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(content)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.test", "-C", str(source)]
    for command in (
        [*git, "init", "--quiet", "--initial-branch", "broken"],
        [*git, "add", "."],
        [*git, "commit", "--quiet", "--message", "A fork"],
        ["git", "clone", "--quiet", "--bare", str(source), str(tmp_path / "served" / "fork.git")],
        ["git", "-C", str(tmp_path / "served" / "fork.git"), "update-server-info"],
    ):
        subprocess.run(command, check=True)
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "served"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/fork.git"
        server.shutdown()


@pytest.mark.usefixtures("gpu_image")  # whose layers this build begins with
def test_a_fork_whose_model_does_not_import_fails_the_build(
    fork: str, cpu_torch: dict[str, str]
) -> None:
    repository = ("--build-arg", f"INDEXTTS_REPO={fork}", "--build-arg", "INDEXTTS_REF=broken")

    with pytest.raises(AssertionError, match="cannot be used"):
        build("checked", *repository, name="broken-fork", **cpu_torch)
