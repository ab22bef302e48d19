"""Programs of this package, each run in a process of its own with the packages of this one."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_CODE = Path(__file__).parents[2]
TIME_LIMIT_SECONDS = 300.0
"""Seconds that torch and the package may take to import; a network disk is slow the first time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a program ended; ``status`` is None where its time was over."""

    status: int | None
    output: str
    errors: str

    @property
    def reason(self) -> str:
        """The last line that the program printed about its failure."""
        if self.status is None:
            return f"no answer within {TIME_LIMIT_SECONDS:.0f} s"
        lines = self.errors.strip().splitlines()
        return lines[-1] if lines else f"the program ended with status {self.status}"


def run(module: str) -> Answer:
    """Run the program ``module`` to its end, or end it where it takes too long."""
    site = ["-S"] if sys.flags.no_site else []
    try:
        done = subprocess.run(  # noqa: S603 - our own program, no shell
            [sys.executable, *site, "-m", module],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT_SECONDS,
            check=False,
            cwd=_CODE,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(_CODE), *filter(None, sys.path)]),
            },
        )
    except subprocess.TimeoutExpired:
        return Answer(None, "", "")
    return Answer(done.returncode, done.stdout, done.stderr)
