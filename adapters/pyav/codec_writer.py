"""One channel of samples, encoded by FFmpeg into a container."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from adapters.pyav.codecs import Codec
from domain.audio import Samples, to_int16

if TYPE_CHECKING:
    from av import AudioFrame, AudioResampler
    from av.audio.stream import AudioStream
    from av.container import OutputContainer


class CodecWriter:
    """Samples of one channel through a resampler and an encoder into a container.

    Every method, and the constructor, raises what FFmpeg and the target raise.

    Args:
        target: The file, or anything with ``write``, that PyAV writes to.
        codec: How the samples are encoded.
        rate_hz: The rate of the samples.
        bitrate_kbps: The bit rate, for codecs that have a choice.
        options: More options of the container.
    """

    def __init__(
        self,
        target: Any,
        codec: Codec,
        *,
        rate_hz: int,
        bitrate_kbps: int | None,
        options: Mapping[str, str],
    ) -> None:
        import av

        self._sample_format = codec.sample_format
        self._rate_hz = rate_hz
        self.count = 0
        """Samples that were written."""
        encoded_rate_hz = codec.rate_hz or rate_hz
        self._container: OutputContainer = av.open(
            target,
            "w",
            format=codec.container,
            options={"fflags": "+bitexact", **options, **(codec.options or {})},
        )
        self._stream = cast(
            "AudioStream",
            self._container.add_stream(codec.encoder, rate=encoded_rate_hz, layout="mono"),
        )
        self._stream.codec_context.format = av.AudioFormat(codec.sample_format)
        if bitrate_kbps:
            self._stream.bit_rate = bitrate_kbps * 1000
        self._resampler: AudioResampler = av.AudioResampler(
            format=codec.sample_format, layout="mono", rate=encoded_rate_hz
        )

    @property
    def encoded_rate_hz(self) -> int:
        """The sample rate of the encoded audio."""
        return self._stream.rate

    def write(self, samples: Samples) -> None:
        """Encode ``samples``, float32 of any length but 0."""
        self._mux(self._frame(samples))

    def finish(self) -> None:
        """Encode what the resampler and the encoder hold back, and close the container."""
        self._mux(None)
        self._container.mux(self._stream.encode(None))
        self._container.close()

    def _mux(self, frame: "AudioFrame | None") -> None:
        for ready in self._resampler.resample(frame):
            self._container.mux(self._stream.encode(ready))

    def _frame(self, samples: Samples) -> "AudioFrame":
        import av

        if self._sample_format == "s16":
            frame = av.AudioFrame.from_ndarray(to_int16(samples)[None], format="s16", layout="mono")
        else:
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(samples)[None], format="flt", layout="mono"
            )
        frame.sample_rate = self._rate_hz
        frame.pts = self.count
        self.count += len(samples)
        return frame
