"""What a file must keep within to be decoded as a recording of a voice."""

LARGEST_FILE_BYTES = 64 * 2**20
"""Fifteen seconds are used; a file past this is no reference recording."""

MOST_SENT_BYTES = 10 * 2**20
"""Size of a recording that comes with a request: fifteen seconds of stereo at 96 kHz and 24 bits
have 8.6 MB. As base64 it is 14 MB, which RunPod takes at /runsync alone (20 MB; /run: 10 MB)."""

MOST_CHANNELS = 64
"""The largest ambisonic microphones have 64; a header can claim 65 535."""

LOWEST_RATE_HZ = 4_000
"""Below, no consonant is left: the lowest rate of telephony is 8 kHz."""

HIGHEST_RATE_HZ = 768_000
"""The highest rate that audio interfaces record at."""

LOUDEST_AMPLITUDE = 16.0
"""+24 dBFS. Lossy codecs overshoot full scale by a few dB; samples past this are on another
scale, for example that of 16-bit integers."""


def rate_problem(rate_hz: int) -> str:
    """Return what is wrong with ``rate_hz``, as the rest of a sentence; "" if nothing is."""
    if LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        return ""
    return (
        f"has {rate_hz} samples a second; from {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} can be used,"
        " best 16000 to 48000"
    )


def channels_problem(channels: int) -> str:
    """Return what is wrong with that number of channels, as ``rate_problem`` does."""
    if 1 <= channels <= MOST_CHANNELS:
        return ""
    return f"has {channels} channels; 1 to {MOST_CHANNELS} can be used, best 1"
