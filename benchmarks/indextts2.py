"""Side by side: the package's own modules as upstream drives them, and this engine.

``python -m benchmarks.indextts2`` downloads nothing. Both sides load the same random checkpoint
from disk, speak the same tokens with the same beams and steps, and are forced to the same number of
codes: the stop code is made impossible. They alternate, each time with a voice that neither has
encoded before. Memory is measured in processes of their own. The tables are Markdown.

On a CPU one thread computes and its CPU time is what counts, so that whatever else runs on the
machine stays out of the figures; with ``--threads`` above 1, and on a GPU, it is the wall clock.
On a GPU upstream's float16 and torch.compile are measured too, and the best of them counts; all
tables after the first are in the half precision that serves there.
"""

import argparse
import os
import platform
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

import torch

from adapters.indextts2.devices import Precision
from adapters.indextts2.engine.engine import Engine
from adapters.indextts2.s2m.options import FlowOptions
from adapters.indextts2.t2s.sampling import CodeSampling
from benchmarks.ablation import ablation, spread
from benchmarks.ceilings import Ceiling, Operations
from benchmarks.sides import STAGES, Case, Clock, Ours, Package, Turn, engine_of
from benchmarks.upstream import Mode
from benchmarks.weight import SIDES, weigh
from tests.models.indextts2.parts import with_parts
from tests.tiny_checkpoint.checkpoint import write_checkpoint
from tests.tiny_checkpoint.sizes import FULL, MIDDLE, TINY

SIZES = {"tiny": TINY, "middle": MIDDLE, "full": FULL}
MODES = {"package, USE_FP16": Mode(half=True), "package, compiled": Mode(half=True, compiled=True)}
"""Options of upstream beside float32; a CPU refuses the first, and the second gains nothing."""
IMPOSSIBLE = -1e4
FIRST_NEW_VOICE = 1000
"""The number of a voice that the comparison does not use."""

Turns = dict[str, list[Turn]]


def weights(case: Case) -> Iterator[str]:
    """Measure load time and peak memory of each side; the engine loads twice."""
    yield "| | package | ours, first start | ours, later |"
    yield "|---|---:|---:|---:|"
    weighed = [weigh(side, case) for side in (*SIDES, "ours")]
    loads = " | ".join(f"{weight.load_seconds:.1f}" for weight in weighed)
    peaks = " | ".join(f"{weight.peak_bytes / 2**20:.0f}" for weight in weighed)
    yield f"| load, s | {loads} |"
    yield f"| peak memory, MB | {peaks} |"


def comparison(sides: dict[str, Package | Ours], case: Case, repeats: int) -> Iterator[str]:
    """Compare the sides stage by stage, alternating, after one chunk each to warm up."""
    for name, side in list(sides.items()):
        try:
            side.take(0, 1)
        except Exception as error:
            if name not in MODES:
                raise
            del sides[name]
            yield f"{name}: does not run here ({type(error).__name__})"
            yield ""
    turns: Turns = {name: [] for name in sides}
    for turn in range(repeats):
        for number, (name, side) in enumerate(sides.items()):
            # A voice of its own for each: two engines share the cache of references.
            turns[name].append(side.take(1 + turn * len(sides) + number, case.chunks))
    package = min((name for name in sides if name.startswith("package")), key=partial(_all, turns))
    own = [name for name in sides if not name.startswith("package")]
    if package != "package":
        yield "| all | s |"
        yield "|---|---:|"
        for name in sides:
            yield f"| {name} | {spread([turn.total for turn in turns[name]])} |"
        yield ""
    titles = " | ".join(f"{name} s | {package} / {name} | share" for name in own)
    yield f"| stage | {package} s | {titles} |"
    yield "|---|" + "---:|" * (1 + 3 * len(own))
    for stage in (*STAGES, "all"):
        yield _row(stage, turns, package, own)
    yield ""
    factors = ", ".join(f"{name} {_real_time_factor(turns[name]):.2f}" for name in sides)
    audio = turns[package][0].audio
    yield f"Real-time factor: {factors}; {audio:.1f} s of audio a request."


def floors(ours: Ours, case: Case, ceiling: Ceiling) -> Iterator[str]:
    """Estimate the time of each stage with its products at the device's measured rate."""
    taken, counted = ours.take(FIRST_NEW_VOICE, case.chunks), Operations()
    counted.count(lambda: ours.take(FIRST_NEW_VOICE + 1, case.chunks, counted))
    yield (
        f"The device copies {ceiling.bytes_per_second / 1e9:.1f} GB/s and multiplies"
        f" {ceiling.operations_per_second / 1e9:.0f} GFLOP/s. At that rate the engine's"
        " matrix products and convolutions alone would take:"
    )
    yield ""
    yield "| stage | GFLOP | s at the measured rate | of what it takes |"
    yield "|---|---:|---:|---:|"
    spent = {**taken.stages, "all": taken.total}
    for stage, operations in {**counted.spent, "all": counted.now()}.items():
        seconds = operations / ceiling.operations_per_second
        share = seconds / spent[stage]
        yield f"| {stage} | {operations / 1e9:.0f} | {seconds:.2f} | {share:.0%} |"


def first_audio(package: Package, ours: Ours, codes: int, repeats: int) -> Iterator[str]:
    """Measure the time to the first samples of a chunk of ``codes`` codes in a known voice.

    Early audio leaves after half of them, with 200 as in the engine.
    """
    ways: dict[str, Callable[[int], float]] = {
        "package": package.first_audio,
        "ours": ours.first_audio,
        "ours, EARLY_FIRST_AUDIO": partial(ours.first_audio, early_codes=codes // 2),
    }
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(repeats):
        for name, way in ways.items():
            spent[name].append(way(turn))
    yield f"| first audio, a chunk of {codes} codes | s | package / it |"
    yield "|---|---:|---:|"
    base = statistics.median(spent["package"])
    for name, times in spent.items():
        yield f"| {name} | {spread(times)} | {base / statistics.median(times):.2f} |"


def report(case: Case, first_codes: int, repeats: int) -> Iterator[str]:
    """Yield the tables, a line at a time as it is measured."""
    packages = ("torch", "transformers", "indextts2-inference")
    yield ", ".join(f"{name} {version(name)}" for name in packages)
    threads = f"{case.threads} of {os.cpu_count()} cores used"
    yield f"Python {platform.python_version()}, device {case.device}, {threads}"
    yield ""
    yield from weights(case)
    yield ""
    with torch.inference_mode():
        device, clock = torch.device(case.device), Clock(case)
        # The package first: it needs the most memory while it loads.
        package, ours = Package(case), Ours(case)
        halved = _halved(case, ours)
        sides: dict[str, Package | Ours] = {"package": package, "ours": ours}
        if halved is not None:
            sides["ours, USE_FP16"] = Ours(case, halved)
        if case.device != "cpu":
            sides |= {name: Package(case, mode) for name, mode in MODES.items()}
        yield from comparison(sides, case, repeats)
        yield ""
        # On a GPU half precision is what serves; a CPU has it only beside float32.
        serves = Ours(case, halved) if halved and case.half is Precision.HALF else ours
        dtype = torch.float32 if serves is ours else torch.float16
        ceiling = Ceiling.measure(device, clock, dtype)
        yield from floors(serves, case, ceiling)
        yield ""
        sampling = replace(case.sampling, max_mel_tokens=first_codes)
        longer = replace(case, chunks=1, sampling=sampling)
        yield from first_audio(
            Package(longer, upstream=package.upstream),
            Ours(longer, serves.engine),
            first_codes,
            repeats,
        )
        yield ""
        beside = halved if serves is ours else None
        yield from ablation(serves.engine, beside, case, repeats, ceiling)


def main() -> None:
    """Print the report for the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--size", choices=SIZES, default="middle")
    parser.add_argument(
        "--full-size",
        dest="size",
        action="store_const",
        const="full",
        help="the published model's size, for machines with a GPU; the same as --size full",
    )
    parser.add_argument("--chunks", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--codes", type=int, default=48, help="codes that each chunk is forced to")
    parser.add_argument("--first-codes", type=int, default=200, help="those of the first audio")
    parser.add_argument("--beams", type=int, default=3)
    parser.add_argument("--steps", type=int, default=25, help="of flow matching")
    parser.add_argument("--voice-seconds", type=float, default=1.5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1, help="of the CPU")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        model = write(Path(folder), options.size)
        case = Case(
            model,
            options.chunks,
            options.device,
            CodeSampling(num_beams=options.beams, max_mel_tokens=options.codes),
            FlowOptions(diffusion_steps=options.steps),
            options.voice_seconds,
            options.threads,
        )
        print(
            f"{options.size}, {options.chunks} chunks of {options.codes} codes,"
            f" {options.beams} beams,"
        )
        print(
            f"{options.steps} steps, a voice of {options.voice_seconds} s, {options.repeats} turns"
        )
        for row in report(case, options.first_codes, options.repeats):
            print(row, flush=True)


def write(folder: Path, size: str) -> Path:
    """Write a checkpoint that never generates the stop code."""
    model = write_checkpoint(folder, SIZES[size])
    saved = torch.load(model / "gpt.pth", weights_only=True)
    saved["model"]["mel_head.bias"][SIZES[size].model["gpt"]["stop_mel_token"]] = IMPOSSIBLE
    torch.save(saved, model / "gpt.pth")
    return model


def _halved(case: Case, ours: Ours) -> Engine | None:
    """Return the engine with USE_FP16, or None where that changes nothing."""
    if case.half is Precision.FULL:
        return None
    halved = engine_of(case, case.half)
    if case.half is Precision.HALF:
        return halved
    # All else is the same, and a large model may not fit into memory twice.
    return with_parts(
        ours.engine,
        generator=halved.synthesizer.generator,
        latents=halved.synthesizer.latents,
        mel_decoder=halved.synthesizer.mel_decoder,
    )


def _row(stage: str, turns: Turns, package: str, own: Sequence[str]) -> str:
    def seconds(name: str) -> list[float]:
        return [turn.total if stage == "all" else turn.stages[stage] for turn in turns[name]]

    theirs = seconds(package)
    cells = [stage, spread(theirs)]
    for name in own:
        times = seconds(name)
        median = statistics.median(times)
        share = median / _all(turns, name)
        cells += [spread(times), f"{statistics.median(theirs) / median:.2f}", f"{share:.0%}"]
    return f"| {' | '.join(cells)} |"


def _all(turns: Turns, name: str) -> float:
    return statistics.median(turn.total for turn in turns[name])


def _real_time_factor(turns: Sequence[Turn]) -> float:
    return statistics.median(turn.total / turn.audio for turn in turns)


if __name__ == "__main__":
    main()
