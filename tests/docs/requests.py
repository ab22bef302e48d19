"""What the documentation may send with curl: jobs that the worker takes, to the API's addresses."""

import json
import re
from collections.abc import Sequence
from itertools import pairwise

from application.speech_request import MAX_TEXT_CHARS
from domain.errors import InvalidRequest
from entrypoints.http.speech_body import parse_speech
from entrypoints.parsing import parse_job
from tests.docs.problem import Problem

_ROUTE = re.compile(
    r"(\$BASE|http://localhost:800[01]|https://api\.runpod\.ai/v2/\w+)"
    r"/(run|runsync|health|purge-queue|(stream|status|cancel)/[\w$-]+)"
)
_SPEECH = re.compile(r"(\$BASE|http://localhost:800[0-2])/v1/audio/speech")
_VOICES = re.compile(r"(\$BASE|http://localhost:800[0-2])/v1/audio/voices(/[\w$/-]+)?")
_VOICE_FIELDS = {"name", "audio_sample", "consent", "replace"}
WRITTEN_BEFORE = "@request.json"
"""A file that a command before it wrote, and that was checked there."""

_FLAGS = {"-s"}
_OPTIONS = {"-F", "-H", "-X", "-d", "-o"}


def check_curl(arguments: Sequence[str]) -> None:
    """Check curl's words.

    Raises:
        Problem: what is wrong with them.
    """
    bodies, urls = _bodies_and_urls(arguments)
    if len(urls) == 1 and _SPEECH.fullmatch(urls[0]):
        for body in bodies or [""]:
            check_speech(body)
        return
    if len(urls) == 1 and _VOICES.fullmatch(urls[0]):
        check_voice(arguments)
        return
    if len(urls) != 1 or not (route := _ROUTE.fullmatch(urls[0])):
        raise Problem(f"this is no address of the API: {urls}")
    if route[2] in ("run", "runsync") and len(bodies) != 1:
        raise Problem("a job is one -d")
    for body in bodies:
        if body != WRITTEN_BEFORE:
            check_job(body)


def _bodies_and_urls(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    rest = list(arguments)
    bodies: list[str] = []
    urls: list[str] = []
    while rest:
        word = rest.pop(0)
        if word in _OPTIONS:
            value = rest.pop(0)
            bodies += [value] if word == "-d" else []
        elif word.startswith("-") and word not in _FLAGS:
            raise Problem(f"the option {word} is not checked")
        elif not word.startswith("-"):
            urls.append(word)
    return bodies, urls


def check_voice(arguments: Sequence[str]) -> None:
    """Check a request that adds or removes a voice.

    Raises:
        Problem: a field of the form is unknown, or the method is.
    """
    for option, value in pairwise(arguments):
        if option == "-F" and value.partition("=")[0] not in _VOICE_FIELDS:
            raise Problem(f"no field of the form: {value}")
        if option == "-X" and value != "DELETE":
            raise Problem(f"voices have no {value}")


def check_speech(text: str) -> None:
    """Check the body of a request to speak over HTTP.

    Raises:
        Problem: the server refuses it, or ignores a field of it.
    """
    try:
        order = parse_speech(text.encode(), max_text_chars=MAX_TEXT_CHARS)
    except InvalidRequest as error:
        raise Problem(f"no request that the server takes: {error}: {text}") from error
    if order.ignored:
        raise Problem(f"fields that the server ignores: {order.ignored}")


def check_job(text: str) -> None:
    """Check a request as clients send it.

    Raises:
        Problem: it is no JSON, or no job that the worker takes.
    """
    try:
        parse_job(json.loads(text)["input"])
    except (ValueError, KeyError, InvalidRequest) as error:
        raise Problem(f"no job that the worker takes: {error}: {text}") from error
