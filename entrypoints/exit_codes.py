"""How a program ends: its exit status, and its complaint on standard error.

It imports nothing heavy: the command line imports it before it finds the command.
"""

import sys

JOB_FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130
"""128 and the number of SIGINT, as shells report it."""


class SettingsError(Exception):
    """The environment holds values that cannot be used; ``str`` has one line for each."""


def complain(message: str, status: int) -> int:
    """Print each line of ``message`` under the program's name, and return ``status``."""
    for line in message.splitlines():
        print(f"indextts-runpod: {line}", file=sys.stderr)  # noqa: T201 - before logs exist
    return status
