"""What the documentation may tell docker and kubectl: what the deployment files have."""

import re
from collections.abc import Callable, Sequence

import yaml

from tests.docs.pages import ROOT
from tests.docs.problem import Problem

_MANIFEST = ROOT / "deploy" / "kubernetes.yaml"
_COMPOSE_COMMANDS = ("up", "down", "logs", "exec", "run", "build")
_COMPOSE_FLAGS = {"-d", "-f", "--build", "--rm", "--volumes", "--wait"}


def check_docker(arguments: Sequence[str]) -> tuple[str, ...]:
    """Check docker's words, and return the command that it runs in a container, if any.

    Raises:
        Problem: what is wrong with them.
    """
    command, *rest = arguments
    if command not in _COMMANDS:
        raise Problem(f"docker {command} is not checked")
    return _COMMANDS[command](rest)


def check_kubectl(arguments: Sequence[str]) -> None:
    """Check kubectl's words.

    Raises:
        Problem: what is wrong with them.
    """
    command, *rest = arguments
    if command not in ("apply", "port-forward", "wait"):
        raise Problem(f"kubectl {command} is not checked")
    if command == "apply" and rest != ["-f", str(_MANIFEST.relative_to(ROOT))]:
        raise Problem(f"kubectl apply {' '.join(rest)} is not checked")
    parts = {
        f"{part['kind'].lower()}/{part['metadata']['name']}"
        for part in yaml.safe_load_all(_MANIFEST.read_text())
    }
    for word in rest:
        if re.fullmatch(r"\w+/\w+", word) and word not in parts:
            raise Problem(f"the manifest has no {word}")


def _check_build(arguments: Sequence[str]) -> tuple[str, ...]:
    dockerfile = (ROOT / "Dockerfile").read_text()
    options, rest = _options(
        arguments, valued={"--target", "--build-arg", "--secret", "--tag"}, flags=set()
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
    return ()


def _check_run(arguments: Sequence[str]) -> tuple[str, ...]:
    _, rest = _options(arguments, valued={"--gpus", "-p"}, flags={"--rm"})
    if not rest:
        raise Problem("docker run without an image")
    return tuple(rest[1:])


def _check_compose(arguments: Sequence[str]) -> tuple[str, ...]:
    if not arguments:  # a sentence names the program
        return ()
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    services = compose["services"]
    profiles = {name for service in services.values() for name in service.get("profiles", [])}
    options, (command, *rest) = _options(arguments, valued={"--profile"}, flags=set())
    for profile in options.get("--profile", []):
        if profile not in profiles:
            raise Problem(f"compose.yaml has no profile {profile}")
    if command not in _COMPOSE_COMMANDS:
        raise Problem(f"docker compose {command} is not checked")
    _, rest = _options(rest, valued=set(), flags=_COMPOSE_FLAGS)
    for service in rest[:1]:
        if service not in services:
            raise Problem(f"compose.yaml has no service {service}")
    return tuple(rest[1:]) if command in ("exec", "run") else ()


def _check_push(arguments: Sequence[str]) -> tuple[str, ...]:
    if len(arguments) != 1:
        raise Problem("docker push takes one image")
    return ()


def _options(
    words: Sequence[str], *, valued: set[str], flags: set[str]
) -> tuple[dict[str, list[str]], list[str]]:
    """Return the values of each option, and the words from the first that is none."""
    rest = list(words)
    found: dict[str, list[str]] = {}
    while rest and rest[0].startswith("-"):
        word = rest.pop(0)
        if word in valued:
            found.setdefault(word, []).append(rest.pop(0))
        elif word not in flags:
            raise Problem(f"the option {word} is not checked")
    return found, rest


_COMMANDS: dict[str, Callable[[Sequence[str]], tuple[str, ...]]] = {
    "build": _check_build,
    "run": _check_run,
    "compose": _check_compose,
    "push": _check_push,
}
