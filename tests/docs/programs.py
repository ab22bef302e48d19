"""What the documentation may say to each program.

``problem`` knows the programs that the pages use, and looks at what they are told: the command
line's own commands and options, the Makefile's targets, the Dockerfile's stages and arguments, the
services of compose.yaml, the requests of curl. Of other programs the page may use only the
sub-commands that are listed here. A program that is not listed is a problem.
"""

import json
import re
import tomllib
from collections.abc import Callable, Sequence
from importlib.util import find_spec

import click
import yaml

from domain.errors import InvalidRequest
from entrypoints.cli.main import cli
from entrypoints.parsing import parse_job
from tests.docs.pages import ROOT

_MAKEFILE = (ROOT / "Makefile").read_text()
_EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
_BIN_FOLDER = re.compile(r"^(\.venv/bin/|/app/bin/)")
_ROUTE = re.compile(
    r"(\$BASE|http://localhost:800[01]|https://api\.runpod\.ai/v2/\w+)"
    r"/(run|runsync|health|purge-queue|(stream|status|cancel)/[\w$-]+)"
)
_CURLS_FLAGS = {"-s", "-S", "-sS", "-f", "-N"}
_CURLS_OPTIONS = {"-H", "-d", "-o", "-X"}
_OTHERS: dict[str, set[str]] = {
    ".": {".venv/bin/activate"},
    "aplay": set(),
    "aws": {"s3api"},
    "cd": {"indextts-runpod"},
    "echo": {"Now."},
    "git": {"clone", "fetch", "checkout"},
    "kubectl": {"apply", "create", "logs", "port-forward"},
    "mc": {"admin", "alias", "ilm"},
    "nvidia-smi": set(),
    "sleep": {"infinity"},
}
"""The words that may follow a program that is not checked further; with none, it stands alone."""


class Problem(Exception):  # noqa: N818 - it is no error of the program that raises it
    """What is wrong with a command of a page."""


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
    elif program not in _OTHERS:
        raise Problem(f"{program} is no program that tests/docs/programs.py knows")
    elif arguments[:1] and arguments[0] not in _OTHERS[program]:
        raise Problem(f"{program} {arguments[0]} is not among {_OTHERS[program]}")


def is_known(program: str) -> bool:
    """Return whether ``check`` looks at what this program is told."""
    return _BIN_FOLDER.sub("", program) in _CHECKS


def _check_command_line(arguments: Sequence[str], is_whole: bool) -> None:
    command: click.Command = cli
    context = click.Context(cli, info_name="indextts-runpod")
    rest = list(arguments)
    while isinstance(command, click.Group):
        if not rest or rest == ["--version"] or rest == ["--help"]:
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
    elif not arguments or arguments[0] not in ("handler.py", *_MADE_BY_A_GUIDE):
        raise Problem(f"python {' '.join(arguments)} runs nothing that is known")


_MADE_BY_A_GUIDE = ("stream.py", "clone.py")


def _check_flags(module: str, arguments: Sequence[str]) -> None:
    spec = find_spec(module)
    assert spec is not None
    source = ROOT.joinpath(*module.split("."))
    path = source / "__main__.py" if source.is_dir() else source.with_suffix(".py")
    for flag in arguments:
        if flag.startswith("--") and f'"{flag}"' not in path.read_text():
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
    for word in arguments:
        path = word.partition("::")[0]
        made = path == "tests/integration/test_hum.py"
        if not word.startswith("-") and not made and not (ROOT / path).exists():
            raise Problem(f"there is no {path}")


def _check_curl(arguments: Sequence[str], is_whole: bool) -> None:
    rest = list(arguments)
    options: dict[str, list[str]] = {}
    urls = []
    while rest:
        word = rest.pop(0)
        if word in _CURLS_OPTIONS:
            options.setdefault(word, []).append(rest.pop(0))
        elif word not in _CURLS_FLAGS:
            urls.append(word)
    if not is_whole and not urls:
        return
    if "-o" in options and "-d" not in options and urls == ["$URL"]:
        return
    if len(urls) != 1 or not (route := _ROUTE.fullmatch(urls[0])):
        raise Problem(f"this is no address of the API: {urls}")
    bodies = options.get("-d", [])
    if route[2] in ("run", "runsync") and len(bodies) != 1:
        raise Problem("a job is one -d")
    for body in bodies:
        check_job(body)


def check_job(text: str) -> None:
    """Check a request as clients send it.

    Raises:
        Problem: it is no JSON, or no job that the worker takes.
    """
    try:
        parse_job(json.loads(text)["input"])
    except (ValueError, KeyError, InvalidRequest) as error:
        raise Problem(f"no job that the worker takes: {error}: {text}") from error


def _check_docker(arguments: Sequence[str], is_whole: bool) -> None:
    command, *rest = arguments
    if command not in _DOCKER:
        raise Problem(f"docker {command} is not checked")
    _DOCKER[command](rest, is_whole)


def _options(
    words: Sequence[str], *, valued: set[str], flags: set[str]
) -> tuple[dict[str, list[str]], list[str]]:
    """Return the values of each option, and the words from the first that is none."""
    rest = list(words)
    found: dict[str, list[str]] = {}
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word in valued:
            found.setdefault(word, []).append(rest.pop(0))
        elif word not in flags:
            raise Problem(f"the option {word} is not checked")
    return found, rest


def _check_build(arguments: Sequence[str], _: bool) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    options, rest = _options(
        arguments, valued={"--target", "--build-arg", "--secret", "--tag", "-t"}, flags=set()
    )
    if rest != ["."]:
        raise Problem(f"the folder to build is . and not {rest}")
    for target in options.get("--target", []):
        if not re.search(rf"^FROM .* AS {re.escape(target)}$", dockerfile, re.MULTILINE):
            raise Problem(f"the Dockerfile has no target {target}")
    for argument in options.get("--build-arg", []):
        name = argument.partition("=")[0]
        if not re.search(rf"^ARG {name}\b", dockerfile, re.MULTILINE):
            raise Problem(f"the Dockerfile has no argument {name}")
    for secret in options.get("--secret", []):
        name = secret.partition("id=")[2].partition(",")[0]
        if not re.search(rf"--mount=type=secret,\S*\bid={name}\b", dockerfile):
            raise Problem(f"the Dockerfile has no secret {name}")


def _check_docker_run(arguments: Sequence[str], is_whole: bool) -> None:
    options, rest = _options(
        arguments,
        valued={"-e", "-p", "-v", "--gpus", "--env-file", "--name"},
        flags={"--rm", "-it", "-i", "-d"},
    )
    if not rest:
        raise Problem("docker run without an image")
    _, *command = rest
    if command:
        check(command, is_whole=is_whole)


def _check_compose(arguments: Sequence[str], is_whole: bool) -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    services = compose["services"]
    profiles = {name for service in services.values() for name in service.get("profiles", [])}
    options, (command, *rest) = _options(arguments, valued={"--profile"}, flags=set())
    for profile in options.get("--profile", []):
        if profile not in profiles:
            raise Problem(f"compose.yaml has no profile {profile}")
    if command not in ("up", "down", "logs", "exec", "run", "build", "cp", "pull"):
        raise Problem(f"docker compose {command} is not checked")
    _, rest = _options(
        rest, valued={"-e"}, flags={"-d", "--rm", "--build", "--wait", "-T", "-f", "--volumes"}
    )
    if command == "cp":
        service = next(word.partition(":")[0] for word in rest if ":" in word)
        if service not in services:
            raise Problem(f"compose.yaml has no service {service}")
        return
    for service in rest[:1]:
        if service not in services:
            raise Problem(f"compose.yaml has no service {service}")
    if command in ("exec", "run") and rest[1:]:
        check(rest[1:], is_whole=is_whole)


def _check_nothing(_: Sequence[str], __: bool) -> None:
    """Let a tool of the repository's own checks be told anything."""


_Check = Callable[[Sequence[str], bool], None]

_DOCKER: dict[str, _Check] = {
    "build": _check_build,
    "run": _check_docker_run,
    "compose": _check_compose,
    "push": _check_nothing,
}

_CHECKS: dict[str, _Check] = {
    "indextts-runpod": _check_command_line,
    "make": _check_make,
    "python": _check_python,
    "python3": _check_python,
    "pip": _check_pip,
    "pytest": _check_pytest,
    "curl": _check_curl,
    "docker": _check_docker,
    "export": _check_export,
}
