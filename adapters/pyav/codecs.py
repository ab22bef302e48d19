"""FFmpeg's container, codec and limits for each audio format, for files and for streams."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from domain.audio import AudioFormat, StreamFormat

SHORTEST_SECONDS = 0.005
"""libopus at 24 kHz writes no packet for the very shortest inputs; silence fills them up."""


@dataclass(frozen=True, slots=True)
class Codec:
    """How one format is encoded.

    ``encoder`` is FFmpeg's name of what makes ``name``. ``highest_kbps`` is None where the bit rate
    is no choice, ``rate_hz`` where it is the rate of the samples. ``options`` are the container's.
    ``size_factor`` is the most that a file of speech was measured to take of the bit rate, or of
    16-bit samples where the bit rate is no choice; its container is counted.
    """

    container: str
    encoder: str
    name: str
    sample_format: str
    highest_kbps: int | None = None
    rate_hz: int | None = None
    options: Mapping[str, str] | None = None
    size_factor: float = 1.0

    def bitrate_kbps(self, requested: int) -> int | None:
        """Return the bit rate nearest to ``requested``; None where it is no choice."""
        return min(requested, self.highest_kbps) if self.highest_kbps else None

    def data_rate_kbps(self, requested: int, *, rate_hz: int) -> float:
        """Return the most kilobits that a second of speech is likely to take in a file."""
        return self.size_factor * (self.bitrate_kbps(requested) or rate_hz * 16 / 1000)


# The highest bit rates are those of one channel: RFC 7845 for Opus, MPEG-2 layer III below 32 kHz,
# and 6144 bits a frame for AAC at 22 050 Hz. Opus has a rate of 24 kHz because that is the one
# nearest above the rates of the models.
_OPUS = Codec("ogg", "libopus", "opus", "flt", highest_kbps=256, rate_hz=24_000, size_factor=1.13)
_MP3 = Codec("mp3", "libmp3lame", "mp3", "fltp", highest_kbps=160, size_factor=1.02)
_FLAC = Codec("flac", "flac", "flac", "s16", size_factor=0.6)
_M4A = Codec("mp4", "aac", "aac", "fltp", highest_kbps=128, size_factor=1.25)

FILE_CODECS = {
    # Ogg pages of 0.2 s: bytes leave while the speech goes on, for 0.7 % more size than the default
    # of about 1 s.
    AudioFormat.OPUS: replace(_OPUS, options={"page_duration": "200000"}),
    AudioFormat.MP3: _MP3,
    AudioFormat.WAV: Codec("wav", "pcm_s16le", "pcm_s16le", "s16"),
    AudioFormat.FLAC: _FLAC,
    AudioFormat.M4A: _M4A,
}

STREAM_CODECS = {
    # Pages of 0.1 s: the first audio leaves after 0.2 s of speech instead of 2 s.
    StreamFormat.OPUS: replace(_OPUS, options={"page_duration": "100000"}),
    # Without a Xing frame, which counts frames yet to come, and without tags: such files can be
    # put end to end.
    StreamFormat.MP3: replace(_MP3, options={"write_xing": "0", "id3v2_version": "0"}),
    StreamFormat.FLAC: _FLAC,
    StreamFormat.M4A: replace(
        _M4A, options={"movflags": "frag_every_frame+empty_moov+default_base_moof"}
    ),
    StreamFormat.AAC: replace(_M4A, container="adts"),
}
