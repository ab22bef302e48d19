"""A container of a built image, without a daemon: own mounts and process ids, the image's user.

It shares the network of the machine, so that the servers on the loopback are reached.
"""

import json
import os
import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LONGEST_END_SECONDS = 60.0
_OWN_NAMESPACES = ("unshare", "--mount", "--pid", "--fork", "--uts", "--ipc")


def buildah(*arguments: str) -> str:
    """Run buildah on the storage that CONTAINERS_STORAGE_CONF names; return its output."""
    done = subprocess.run(["buildah", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@dataclass(frozen=True)
class Running:
    """A process in a container, and the files with what it prints."""

    outside: "subprocess.Popen[bytes]"
    output: Path
    errors: Path

    @property
    def first_pid(self) -> int:
        """The container's process 1, by its id outside; raises IndexError when it has ended."""
        children = Path(f"/proc/{self.outside.pid}/task/{self.outside.pid}/children")
        return int(children.read_text().split()[0])

    def printed(self) -> str:
        """Return everything so far, for the message of a failed test."""
        return "".join(path.read_text(errors="replace") for path in (self.output, self.errors))

    def wait(self, *, seconds: float) -> int:
        """Wait for the end and return the exit status."""
        return self.outside.wait(seconds)

    def kill(self) -> None:
        """End every process in the container, which end with its process 1."""
        with suppress(IndexError, FileNotFoundError, ProcessLookupError):
            os.kill(self.first_pid, signal.SIGKILL)
        self.outside.kill()
        self.outside.wait()

    def stop(self) -> int:
        """Send SIGTERM to process 1, as container runtimes do; return the exit status."""
        os.kill(self.first_pid, signal.SIGTERM)
        return self.wait(seconds=LONGEST_END_SECONDS)


class Container:
    """A writable copy of an image; ``root`` is its file system, ``config`` the image's."""

    def __init__(self, image: str) -> None:
        self.image = image
        self._name = buildah("from", "--pull-never", image)
        self.root = Path(buildah("mount", self._name))
        inspected: dict[str, Any] = json.loads(
            buildah("inspect", "--type", "container", self._name)
        )
        self.config: dict[str, Any] = inspected["OCIv1"]["config"]

    @contextmanager
    def started(self, *command: str, logs: Path, **environment: str) -> Iterator[Running]:
        """Start ``command``, or what the image starts, and kill it after the block.

        What it prints goes into the folder ``logs``.
        """
        output, errors = logs / "stdout", logs / "stderr"
        with output.open("wb") as stdout, errors.open("wb") as stderr:
            process = subprocess.Popen(
                [*_OWN_NAMESPACES, "sh", "-c", self._script(command, environment)],
                stdout=stdout,
                stderr=stderr,
            )
        running = Running(process, output, errors)
        try:
            yield running
        finally:
            running.kill()

    def run(self, *command: str, logs: Path, seconds: float = 240, **environment: str) -> bytes:
        """Run ``command`` to its successful end and return its standard output."""
        with self.started(*command, logs=logs, **environment) as running:
            assert running.wait(seconds=seconds) == 0, running.printed()
            return running.output.read_bytes()

    def remove(self) -> None:
        """Remove the copy; the image stays."""
        buildah("rm", self._name)

    def _script(self, command: tuple[str, ...], environment: dict[str, str]) -> str:
        user = self.config.get("User") or "0"
        variables = dict(pair.split("=", 1) for pair in self.config["Env"])
        variables |= {"HOME": "/root" if user == "0" else "/tmp"} | environment
        program = [*self.config["Entrypoint"], *(command or self.config["Cmd"])]
        return " && ".join(
            [
                f"mount -t proc proc {self.root}/proc",
                f"mount --rbind /dev {self.root}/dev",
                shlex.join(
                    ["exec", "chroot", f"--userspec={user}:{user}", str(self.root)]
                    + ["env", "-i", f"--chdir={self.config['WorkingDir']}"]
                    + [f"{name}={value}" for name, value in variables.items()]
                    + program
                ),
            ]
        )


@contextmanager
def container_of(image: str) -> Iterator[Container]:
    """Make a container of ``image`` and remove it after the block."""
    container = Container(image)
    try:
        yield container
    finally:
        container.remove()
