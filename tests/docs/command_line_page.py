"""The page docs/reference/command-line.md, written from the commands' own help.

``python -m tests.docs.command_line_page`` writes it anew.
"""

from pathlib import Path

import click
from click.testing import CliRunner

from entrypoints.cli.main import cli

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "command-line.md"
_NAME = "indextts-runpod"
_HEAD = """# Command line

Every command, as its `--help` prints it. This page is generated: `python -m
tests.docs.command_line_page` writes it anew. The exit status is 0, 1 for a failed job, 2 for wrong
usage or settings, 130 after Ctrl-C. Settings are [environment variables](configuration.md).
"""


def render() -> str:
    """Return the page's text."""
    blocks = [_HEAD]
    for path in _paths(cli, ()):
        title = " ".join([_NAME, *path])
        blocks.append(f"## {title}\n\n```text\n{_help(path)}\n```\n")
    return "\n".join(blocks)


def _paths(command: click.Command, path: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return the path of ``command`` and those of its sub-commands."""
    if not isinstance(command, click.Group):
        return [path]
    context = click.Context(command)
    found = [path]
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        assert below is not None
        found += _paths(below, (*path, name))
    return found


def _help(path: tuple[str, ...]) -> str:
    done = CliRunner().invoke(cli, [*path, "--help"], prog_name=_NAME, terminal_width=100)
    assert done.exit_code == 0, done.output
    return "\n".join(line.rstrip() for line in done.output.rstrip().splitlines())


if __name__ == "__main__":
    PAGE.write_text(render())
