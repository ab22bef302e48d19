"""Hostile inputs through the real job handler: ``python -m tests.fuzz.job_inputs --help``.

Whatever JSON a client sends, a job ends with one last object, in bounded time, and the next job
works. The program prints its findings and ends with status 1 at the first input that
breaks this promise.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import structlog

from entrypoints.runpod_worker import job_handler
from entrypoints.schemas import Question, SpeechInput
from entrypoints.worker.job_handler import JobHandler
from tests.fuzz.handlers import answers, container, fault_in
from tests.models.tone import ToneModel

SLOWEST_SECONDS = 10.0
"""Limit for one job on a busy machine; a job takes a hundredth of it on an idle one."""

_GOOD_EVERY = 20
_FIELDS = (*SpeechInput.model_fields, *Question.model_fields)
_STRINGS = (
    *("", " ", "\0", "\n", "\r\n", "\x1b[31mred", "\x9b2J", "\u202eevil", "\u2028", "\ufeff"),
    *(
        "\ud800",
        "a\udfffb",
        "\ud83d",
        "🙂",
        "👩\u200d👩\u200d👧",
        "e\u0301" * 50,
        "你好。" * 20,
        "مرحبا",
    ),
    *("../../etc/passwd", "/etc/passwd", "a/b", "a\\b", "narrators/bob", "alice", "alice.wav", "."),
    *("%s%n", "{0}{x}", "{{", "$(id)", "'; --", "<break time='1s'/>", "&amp;", "null", "true"),
    *("health_check", "list_voices", "pcm_16", "wav", "opus", "en", "zh", "default", "1e309"),
    *("Hello there. How are you?", "One. Two. Three.", "x" * 121, "job_id", "__class__"),
)
_NUMBERS = (
    *(0, 1, -1, 2, 8, 50, 140, 1000, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 2**64),
    *(10**307, 10**308, 2 * 10**308, -(10**309), 10**400, 10**4_000),
    *(0.0, -0.0, 0.5, 1.0, 1.5, 140.0, 140.5, 1e308, -1e308, 5e-324, float("nan")),
    *(float("inf"), float("-inf"), True, False, None),
)
_LIKELY: dict[str, tuple[Any, ...]] = {
    "text": (
        "One. Two. Three.",
        "你好。" * 20,
        "e\u0301" * 200,
        "👩\u200d👩\u200d👧 a" * 50,
        "x" * 10_000,
    ),
    "speaker_voice": _STRINGS,
    "emo_audio_prompt": ("alice", "narrators/bob.wav", "../alice", "carol", "\u202e"),
    "speaker_audio": ("UklGRg==", "data:audio/wav;base64,UklGRg==", "https://127.0.0.1/a.wav"),
    "emo_audio": ("UklGRg", "data:,x", "data:;base64,%%%", "file:///etc/passwd", "\ud800", ""),
    "emo_text": _STRINGS,
    "session_id": ("a", "a" * 128, "A.b_c-d", "health_check"),
    "action": ("health_check", "list_voices", None),
    "emo_vector": ([0] * 8, [1] * 8, [0.1] * 8, None),
    "language": ("en", "zh", "yue", "xx", None),
    "audio_format": ("opus", "mp3", "wav", "flac", "m4a"),
    "output_format": ("pcm_16",),
}
_LIKELY_OTHERWISE = (True, False, 0, 0.5, 1, 2, 20, 50, 140.0, 150, 1000, None)


@dataclass
class Findings:
    """Findings of a run."""

    count: int = 0
    endings: Counter[str] = field(default_factory=Counter)
    slowest_seconds: float = 0.0
    longest_error: int = 0
    fault: str = ""
    job: Any = None


def hostile_job(draw: random.Random) -> dict[str, Any]:
    """Return a job as it comes out of a JSON parser; its id or its input may be missing."""
    job: dict[str, Any] = {"id": "job", "input": _input(draw)}
    if draw.random() < 0.05:
        job["id"] = _value(draw, depth=2)
    if draw.random() < 0.03:
        del job[draw.choice(["id", "input"])]
    if draw.random() < 0.05:
        job[_string(draw)] = _value(draw, depth=2)
    parsed: dict[str, Any] = json.loads(json.dumps(job))
    return parsed


async def run(count: int, seed: int) -> Findings:
    """Send ``count`` hostile jobs to one handler, and a good one after every twentieth."""
    draw = random.Random(seed)
    model = ToneModel(seconds=0.02, edge_seconds=0.01)
    handler = job_handler(container(model), recycle=lambda: None)
    found = Findings()
    for number in range(count):
        job = hostile_job(draw)
        await _judge(found, handler, job)
        if not found.fault and number % _GOOD_EVERY == 0:
            good = {"id": f"good-{number}", "input": {"text": "All is well.", "stream": True}}
            last = (await answers(handler, good))[-1]
            if last.get("status") != "complete":
                found.fault = f"the next good job ended as {last}"
        if found.fault:
            found.job = job
            break
    return found


async def _judge(found: Findings, handler: JobHandler, job: dict[str, Any]) -> None:
    began = time.perf_counter()
    given = await answers(handler, job)
    took = time.perf_counter() - began
    found.fault = fault_in(given)
    if took > SLOWEST_SECONDS:
        found.fault = f"took {took:.1f} s"
    last = given[-1] if given else {}
    error = str(last.get("error", ""))
    found.count += 1
    found.endings[error.partition(":")[0] or str(last.get("status", "voices"))] += 1
    found.slowest_seconds = max(found.slowest_seconds, took)
    found.longest_error = max(found.longest_error, len(error))


def _input(draw: random.Random) -> Any:
    if draw.random() < 0.03:
        return _value(draw, depth=4)
    fields: dict[str, Any] = {"text": "Hello there. How are you?"} if draw.random() < 0.9 else {}
    for _ in range(draw.choice([0, 1, 1, 1, 2, 3, 8])):
        name = draw.choice(_FIELDS)
        if draw.random() < 0.6:
            fields[name] = draw.choice(_LIKELY.get(name, _LIKELY_OTHERWISE))
        else:
            fields[name if draw.random() < 0.7 else _misspelt(draw)] = _value(draw, depth=3)
    if draw.random() < 0.01:
        stem = _string(draw)[:40]
        fields |= {f"{stem}{n}": n for n in range(draw.choice([11, 300, 20_000]))}
    return fields


def _misspelt(draw: random.Random) -> str:
    name = draw.choice(_FIELDS)
    place = draw.randrange(len(name))
    return draw.choice([name.upper(), name[:place], name[:place] + _string(draw), name * 20])


def _value(draw: random.Random, *, depth: int) -> Any:
    kinds: list[Callable[[], Any]] = [
        lambda: _string(draw),
        lambda: draw.choice(_NUMBERS),
        lambda: [draw.choice([0, 0.1, 0.9, 1])] * 8,
    ]
    if depth:
        kinds += [
            lambda: [_value(draw, depth=depth - 1) for _ in range(draw.choice([0, 1, 7, 8, 9]))],
            lambda: {_string(draw): _value(draw, depth=depth - 1) for _ in range(3)},
            lambda: [draw.choice(_NUMBERS)] * draw.choice([8, 8, 10_000]),
            lambda: _nested(draw.choice([5, 400])),
        ]
    return draw.choice(kinds)()


def _string(draw: random.Random) -> str:
    text = draw.choice(_STRINGS)
    if draw.random() < 0.1:
        text += draw.choice(_STRINGS)
    if draw.random() < 0.02:
        text *= draw.choice([10, 500, 20_000])
    return text


def _nested(depth: int) -> Any:
    value: Any = 0
    for level in range(depth):
        value = [value] if level % 2 else {"text": value}
    return value


def main() -> None:
    """Run with the arguments of the command line, and print the findings."""
    parser = argparse.ArgumentParser(prog="tests.fuzz.job_inputs", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="how many jobs [10000]")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same jobs [1]")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    began = time.perf_counter()
    found = asyncio.run(run(options.count, options.seed))
    print(f"{found.count} inputs in {time.perf_counter() - began:.1f} s, seed {options.seed}")
    print(f"slowest {found.slowest_seconds:.3f} s, longest error {found.longest_error} characters")
    for ending, count in found.endings.most_common():
        print(f"  {ending}: {count}")
    if found.fault:
        sys.exit(f"{found.fault}\n{json.dumps(found.job)[:4_000]}")


if __name__ == "__main__":
    main()
