"""The command line in processes that need not import it again.

``ForkedCli`` starts one program that has imported the command line. Each run is a fork of it, with
its own arguments, environment, folder and standard streams, and ends with its own exit status.
Importing costs a second of a processor, and so do the dictionaries of the preview engine; a fork
costs a few milliseconds.
"""

import atexit
import gc
import importlib
import json
import os
import subprocess
import sys
import tempfile
import traceback
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

from entrypoints.cli.commands import COMMANDS
from tests.loopback.worker_process import ROOT

LIBRARIES = ("av", "hibari", "numpy")
ENGINE_LIBRARIES = (
    "adapters.indextts2.engine.engine",
    "av",
    "einops.layers.torch",
    "torch",
    # transformers imports its models when they are used, which costs seconds in every fork.
    "transformers.models.gpt2.modeling_gpt2",
    "transformers.models.wav2vec2_bert.modeling_wav2vec2_bert",
    "safetensors.torch",
    "soxr",
    "scipy.signal",
)


class ForkedCli:
    """Runs the command line; close it to end the program behind it.

    Args:
        libraries: Modules that are imported before the first run.
    """

    def __init__(self, *, libraries: tuple[str, ...] = LIBRARIES) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.loopback.forked_cli", *libraries],
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1"},  # read when a library is imported
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.communicate()

    def run(
        self, *arguments: str, environment: dict[str, str], stdin: str = "", cwd: Path = ROOT
    ) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        with tempfile.TemporaryDirectory() as folder:
            streams = [Path(folder) / name for name in ("stdin", "stdout", "stderr")]
            streams[0].write_text(stdin)
            order = {
                "arguments": arguments,
                "environment": environment,
                "cwd": str(cwd),
                "streams": [str(stream) for stream in streams],
            }
            assert self._server.stdin
            assert self._server.stdout
            print(json.dumps(order), file=self._server.stdin, flush=True)
            status = int(self._server.stdout.readline())
            stdout, stderr = (stream.read_text() for stream in streams[1:])
        return subprocess.CompletedProcess(list(arguments), status, stdout, stderr)


def serve(libraries: list[str]) -> None:
    """Fork for each order that comes as a line of JSON, and print the exit status of the fork."""
    for name in (
        "entrypoints.container",
        *(f"entrypoints.cli.{command}" for command in COMMANDS),
        *libraries,
    ):
        importlib.import_module(name)
    if "hibari" in libraries:
        _read_dictionaries()
    gc.freeze()  # a collection in a fork would copy every page of what is there already
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            _become(json.loads(line))
        _, status = os.waitpid(process, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _read_dictionaries() -> None:
    """Read the dictionaries of the preview engine, which each fork would read again.

    A fork has its own copy of what it changes. The network is loaded in each fork, since its
    threads would not be there after a fork.
    """
    from hibari import g2p

    g2p._load_json = cache(g2p._load_json)
    g2p.G2P()


def _become(order: dict[str, object]) -> None:
    """Run the command of ``order`` in this process, and end it."""
    from entrypoints.cli.main import main

    status: object = 0
    try:
        os.chdir(str(order["cwd"]))
        environment, streams, arguments = order["environment"], order["streams"], order["arguments"]
        assert isinstance(environment, dict)
        assert isinstance(streams, list)
        assert isinstance(arguments, list)
        os.environ.clear()
        os.environ.update(environment)
        for number, (path, flags) in enumerate(
            zip(
                streams,
                (os.O_RDONLY, os.O_WRONLY | os.O_CREAT, os.O_WRONLY | os.O_CREAT),
                strict=True,
            )
        ):
            os.dup2(os.open(path, flags, 0o600), number)
        sys.stdin = os.fdopen(0, "r")
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w", buffering=1)
        sys.argv = ["indextts-runpod", *arguments]
        main()
    except SystemExit as end:
        status = end.code
    except BaseException:  # noqa: BLE001 - a fork prints what a process of its own would print
        traceback.print_exc()
        status = 1
    finally:
        atexit._run_exitfuncs()  # os._exit skips them, and no public function runs them
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status if isinstance(status, int) else int(status is not None))


if __name__ == "__main__":
    serve(sys.argv[1:])
