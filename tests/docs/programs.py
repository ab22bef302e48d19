"""What the documentation may tell each program.

``check`` looks at the words of the programs that the pages use: the command line's own commands and
options, the Makefile's targets, modules, extras. Of other programs a page may use only what is
listed here. A program that is not listed is a problem.
"""

import re
import tomllib
from collections.abc import Callable, Sequence
from importlib.util import find_spec

import click

from entrypoints.cli.main import cli
from tests.docs.containers import check_docker, check_kubectl
from tests.docs.pages import ROOT
from tests.docs.problem import Problem
from tests.docs.requests import check_curl, check_job

_MAKEFILE = (ROOT / "Makefile").read_text()
_EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
_EXAMPLES = {f"examples/{path.name}" for path in (ROOT / "examples").glob("*.*")}
_BIN_FOLDER = re.compile(r"^(\.venv/bin/|/app/bin/)")
_OTHERS: dict[str, set[str]] = {
    ".": {".venv/bin/activate"},
    "aplay": set(),
    "apt-get": {"install"},
    "aws": {"s3api"},
    "base64": set(),
    "cd": {"examples", "indextts-runpod"},
    "echo": {"Now."},
    "git": {"clone", "fetch", "checkout"},
    "mc": {"admin", "alias", "ilm"},
    "node": {"openai_node.mjs"},
    "npm": {"ci"},
    "nvidia-smi": set(),
    "ray": {"start"},
    "serve": {"run"},
    "sleep": {"infinity"},
    "tr": {"-d"},
}
"""The words that may follow a program that is not checked further; with none, it stands alone."""


def check(words: Sequence[str], *, is_whole: bool = True) -> None:
    """Check one command, whose first word is the program.

    Args:
        words: The command's words, without the variables before it.
        is_whole: False for a command that a sentence names without its arguments.

    Raises:
        Problem: what is wrong with it.
    """
    program, *arguments = words
    program = _BIN_FOLDER.sub("", program)
    if program in _CHECKS:
        _CHECKS[program](arguments, is_whole)
    elif program in _EXAMPLES:
        return
    elif program not in _OTHERS:
        raise Problem(f"{program} is no program that tests/docs/programs.py knows")
    elif arguments[:1] and arguments[0] not in _OTHERS[program]:
        raise Problem(f"{program} {arguments[0]} is not among {_OTHERS[program]}")


def is_known(program: str) -> bool:
    """Return whether ``check`` looks at what this program is told."""
    return _BIN_FOLDER.sub("", program) in _CHECKS


def _check_command_line(arguments: Sequence[str], is_whole: bool) -> None:
    command: click.Command = cli
    # With other settings click would remember another --help for later callers.
    context = click.Context(cli, info_name="indextts-runpod", **cli.context_settings)
    rest = list(arguments)
    while isinstance(command, click.Group):
        if not rest or rest[0] in ("--version", "--help"):
            return
        name = rest.pop(0)
        if name not in command.list_commands(context):
            raise Problem(f"there is no command {name}")
        below = command.get_command(context, name)
        assert below is not None
        context = click.Context(below, info_name=name, parent=context)
        command = below
    try:
        command.make_context(context.info_name, rest, parent=context.parent)
    except click.MissingParameter as error:
        if is_whole:
            raise Problem(error.format_message()) from error
    except click.UsageError as error:
        raise Problem(error.format_message()) from error
    except click.exceptions.Exit:  # --help
        return


def _check_make(arguments: Sequence[str], _: bool) -> None:
    targets = set(re.findall(r"^([\w-]+):", _MAKEFILE, re.MULTILINE))
    variables = set(re.findall(r"^(\w+) \?=", _MAKEFILE, re.MULTILINE))
    for argument in arguments:
        name, is_variable, _value = argument.partition("=")
        if name not in (variables if is_variable else targets):
            raise Problem(f"the Makefile has no {name}")


def _check_python(arguments: Sequence[str], is_whole: bool) -> None:
    arguments = [argument for argument in arguments if argument != "-u"]
    if arguments[:2] == ["-m", "entrypoints.cli"]:
        _check_command_line(arguments[2:], is_whole)
    elif arguments[:1] == ["-m"]:
        if not find_spec(arguments[1]):
            raise Problem(f"there is no module {arguments[1]}")
        _check_flags(arguments[1], arguments[2:])
    elif arguments[:1] == ["-c"]:
        compile(arguments[1], "a page", "exec")
    elif not arguments or arguments[0] not in (*_PROGRAMS, *_EXAMPLES, *_MADE_BY_A_GUIDE):
        raise Problem(f"python {' '.join(arguments)} runs nothing that is known")


_PROGRAMS = ("handler.py", "/app/handler.py")
_MADE_BY_A_GUIDE = ("stream.py", "clone.py")


def _check_flags(module: str, arguments: Sequence[str]) -> None:
    spec = find_spec(module)
    assert spec is not None
    source = ROOT.joinpath(*module.split("."))
    files = [*source.glob("*.py")] if source.is_dir() else [source.with_suffix(".py")]
    text = "".join(path.read_text() for path in files)
    for flag in arguments:
        if flag.startswith("--") and f'"{flag}"' not in text:
            raise Problem(f"{module} has no option {flag}")


def _check_pip(arguments: Sequence[str], _: bool) -> None:
    command, *requirements = arguments
    if command != "install":
        raise Problem(f"pip {command} is not checked")
    for word in requirements:
        if word in ("-e", "--no-deps"):
            continue
        local = re.fullmatch(r"\.\[([\w,-]+)\]", word)
        if local and set(local[1].split(",")) <= set(_EXTRAS):
            continue
        if "==" not in word or word not in _MAKEFILE.split():
            raise Problem(f"neither an extra nor a requirement of the Makefile: {word}")


def _check_export(arguments: Sequence[str], _: bool) -> None:
    for word in arguments:
        if not re.fullmatch(r"[A-Z_]+=.+", word):
            raise Problem(f"export without a value: {word}")


def _check_pytest(arguments: Sequence[str], _: bool) -> None:
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "-k":
            rest.pop(0)
            continue
        path = word.partition("::")[0]
        made = path == "tests/integration/test_hum.py"
        if not word.startswith("-") and not made and not (ROOT / path).exists():
            raise Problem(f"there is no {path}")


def _check_curl(arguments: Sequence[str], _: bool) -> None:
    check_curl(arguments)


def _check_printf(arguments: Sequence[str], _: bool) -> None:
    """Check the request that is written with some recording in the place of ``%s``."""
    template, *_values = arguments
    check_job(template.replace("%s", "AAAA"))


def _check_kubectl(arguments: Sequence[str], _: bool) -> None:
    check_kubectl(arguments)


def _check_docker(arguments: Sequence[str], is_whole: bool) -> None:
    if inside := check_docker(arguments):
        check(inside, is_whole=is_whole)


_Check = Callable[[Sequence[str], bool], None]

_CHECKS: dict[str, _Check] = {
    "indextts-runpod": _check_command_line,
    "make": _check_make,
    "python": _check_python,
    "python3": _check_python,
    "pip": _check_pip,
    "pytest": _check_pytest,
    "curl": _check_curl,
    "docker": _check_docker,
    "kubectl": _check_kubectl,
    "printf": _check_printf,
    "export": _check_export,
}
