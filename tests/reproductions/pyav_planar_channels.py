"""Reproduce a crash of PyAV without this product: planar audio of eight channels or more.

``AudioFrame.planes`` counts the planes of a frame up to a null pointer in ``extended_data``. A
planar frame of eight channels or more has no such pointer behind its last plane, so that
``to_ndarray`` reads past it: SIGSEGV, or planes that do not exist. Affected is PyAV 18.1.0, the
newest release when this was written; packed frames have one plane and are not.

Run ``python -m tests.reproductions.pyav_planar_channels``: each count of channels is converted in
a process of its own, and a line is printed with its exit status.
"""

import subprocess
import sys

PROGRAM = """
import io, sys, wave
import av
channels, sample_format = int(sys.argv[1]), sys.argv[2]
content = io.BytesIO()
with wave.open(content, "wb") as sound:
    sound.setparams((channels, 2, 16000, 0, "NONE", ""))
    sound.writeframes(bytes(2 * channels * 16000))
content.seek(0)
with av.open(content) as container:
    resampler = av.AudioResampler(format=sample_format)
    for frame in container.decode(audio=0):
        for ready in resampler.resample(frame):
            shape = ready.to_ndarray().shape
            planes = channels if sample_format == "fltp" else 1
            assert shape == (planes, ready.samples * channels // planes), shape
"""


def ending(channels: int, sample_format: str) -> int:
    """Convert silence of ``channels`` channels in a child process; return its exit status."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(channels), sample_format],
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode


def main() -> None:
    """Print how each conversion ends: 0 is well, 1 a wrong shape, negative a signal."""
    for sample_format in ("fltp", "flt"):
        for channels in (1, 2, 7, 8, 9, 16, 64):
            print(f"{sample_format:4} {channels:2} channels: {ending(channels, sample_format)}")


if __name__ == "__main__":
    main()
