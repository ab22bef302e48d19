"""A codec that crashes, hangs or eats memory takes nothing down but its own process."""

import gc
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from adapters.pyav.decoder import PyavDecoder
from domain.errors import BadReference, SynthesisFailed
from tests.integration.test_hostile_recordings import pcm_wav

SCRIPTED = "tests.fakes.scripted_decoding"
ROOT = Path(__file__).parents[2]


def children() -> list[psutil.Process]:
    return psutil.Process().children()


def assert_works(decoder: PyavDecoder) -> None:
    decoded = decoder.decode(pcm_wav(2, 16_000), name="b.wav", limit_seconds=2)
    assert len(decoded.samples) == 16_000


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        (b"CRASH", "a.wav makes its decoder crash"),
        (b"ABORT", "a.wav makes its decoder crash"),
        (b"HANG", "a.wav takes too long to decode"),
        (b"MEMORY", "a.wav needs more memory"),
        (b"NONSENSE", "a.wav makes its decoder crash"),
    ],
)
def test_a_recording_that_breaks_its_decoder_is_refused_and_the_next_is_decoded(
    word: bytes, problem: str
) -> None:
    decoder = PyavDecoder(module=SCRIPTED)

    assert_works(decoder)
    with pytest.raises(BadReference, match=problem):
        decoder.decode(word, name="a.wav", limit_seconds=2)

    assert_works(decoder)

    assert all(child.status() != psutil.STATUS_ZOMBIE for child in children())


def test_replaces_a_process_that_was_killed_while_idle() -> None:
    before = set(children())
    decoder = PyavDecoder()
    assert_works(decoder)
    [child] = set(children()) - before

    child.kill()
    psutil.wait_procs([child], timeout=30)

    assert_works(decoder)


def test_one_process_is_started_and_stays_for_all_recordings() -> None:
    before = set(children())
    decoder = PyavDecoder()
    assert not set(children()) - before

    assert_works(decoder)
    started = set(children()) - before
    for _ in range(5):
        assert_works(decoder)
        decoder.duration_seconds(pcm_wav(1, 16_000), name="b.wav", limit_seconds=2)

    assert len(started) == 1
    assert set(children()) - before == started


def test_threads_share_two_processes_and_get_their_own_recordings() -> None:
    before = set(children())
    decoder = PyavDecoder()

    def channels_decode_to(channels: int) -> bool:
        decoded = decoder.decode(pcm_wav(channels, 16_000), name="b.wav", limit_seconds=2)
        return abs(float(decoded.samples[9]) - 50 * (channels - 1) / 32_768) < 1e-6

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(channels_decode_to, list(range(1, 33))))

    assert len(set(children()) - before) <= 2


def test_a_slow_recording_does_not_delay_another(tmp_path: Path) -> None:
    decoder = PyavDecoder(module=SCRIPTED)
    gate = tmp_path / "gate"
    gate.touch()

    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(
            decoder.decode, f"SLOW {gate}".encode(), name="slow.wav", limit_seconds=2
        )
        assert_works(decoder)
        gate.unlink()
        with pytest.raises(BadReference):
            slow.result()


def test_a_deleted_decoder_ends_its_process() -> None:
    before = set(children())
    decoder = PyavDecoder()
    assert_works(decoder)
    assert set(children()) - before

    del decoder
    gc.collect()

    assert not set(children()) - before


@pytest.mark.parametrize("end", ["sys.exit()", "os._exit(0)", "os.kill(os.getpid(), 9)"])
def test_the_process_ends_when_its_parent_does(end: str) -> None:
    program = f"""
import os, sys
import psutil
from adapters.pyav.decoder import PyavDecoder
decoder = PyavDecoder()
try: decoder.decode(b'no recording', name='x', limit_seconds=1)
except Exception: pass
print(psutil.Process().children()[0].pid, flush=True)
{end}
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )

    pid = int(done.stdout)
    deadline = time.monotonic() + 30
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_an_interrupt_from_the_keyboard_does_not_end_the_process() -> None:
    before = set(children())
    decoder = PyavDecoder()
    assert_works(decoder)
    [child] = set(children()) - before

    assert os.getpgid(child.pid) != os.getpgid(0)


def test_names_a_machine_on_which_no_process_starts() -> None:
    with pytest.raises(SynthesisFailed, match="does not start"):
        PyavDecoder(module="no.such.module").decode(b"x", name="a.wav", limit_seconds=1)


def test_the_process_loads_neither_numpy_nor_torch() -> None:
    program = (
        "import sys, adapters.pyav.child;"
        "print(*[name for name in ('numpy', 'torch', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == []
