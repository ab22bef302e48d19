"""What every encoder of streamed audio promises, checked through a decoder."""

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator

import numpy as np
import pytest

from application.ports.audio import AudioDecoder, AudioStreamEncoder
from domain.audio import Samples, StreamFormat, Waveform, to_int16
from domain.errors import Cancelled, SynthesisFailed

RATES = (22_050, 24_000)
LOSSLESS = (StreamFormat.WAV, StreamFormat.FLAC)
EXACT = (StreamFormat.WAV, StreamFormat.PCM)
PADDING_SECONDS = {StreamFormat.MP3: 0.08, StreamFormat.AAC: 0.12, StreamFormat.M4A: 0.12}
"""Silence that a codec adds at the ends, where no head may say so afterwards."""


def tone(count: int) -> Samples:
    wave: Samples = (0.3 * np.sin(np.arange(count) * 0.05)).astype(np.float32)
    return wave


def drained(pieces: Generator[bytes, None, bytes]) -> tuple[bytes, bytes]:
    """All bytes, and the head that came at the end."""
    content = b""
    while True:
        try:
            piece = next(pieces)
        except StopIteration as end:
            head: bytes = end.value
            return content, head
        assert piece
        content += piece


class AudioStreamContract(ABC):
    @pytest.fixture
    @abstractmethod
    def encoder(self) -> AudioStreamEncoder: ...

    @pytest.fixture
    @abstractmethod
    def decoder(self) -> AudioDecoder: ...

    def encode(
        self,
        encoder: AudioStreamEncoder,
        samples: Samples,
        stream_format: StreamFormat,
        *,
        rate_hz: int = 22_050,
        part: int = 2_205,
        output_rate_hz: int | None = None,
    ) -> Generator[bytes, None, bytes]:
        return encoder.encode(
            (samples[start : start + part] for start in range(0, len(samples), part)),
            sample_rate_hz=rate_hz,
            stream_format=stream_format,
            bitrate_kbps=128,
            output_rate_hz=output_rate_hz,
        )

    def decoded(
        self, decoder: AudioDecoder, content: bytes, stream_format: StreamFormat, rate_hz: int
    ) -> Waveform:
        if stream_format is StreamFormat.PCM:
            samples = np.frombuffer(content, dtype="<i2").astype(np.float32) / np.float32(32_767)
            return Waveform(samples, rate_hz)
        return decoder.decode(content, name="x", limit_seconds=60)

    @pytest.mark.parametrize("rate_hz", RATES)
    @pytest.mark.parametrize("count", [1, 100, 1_000, 100_001])
    @pytest.mark.parametrize("stream_format", StreamFormat)
    def test_a_decoder_gets_all_of_it(
        self,
        encoder: AudioStreamEncoder,
        decoder: AudioDecoder,
        stream_format: StreamFormat,
        count: int,
        rate_hz: int,
    ) -> None:
        content, _ = drained(self.encode(encoder, tone(count), stream_format, rate_hz=rate_hz))

        audio = self.decoded(decoder, content, stream_format, rate_hz)
        padding = PADDING_SECONDS.get(stream_format, 0)
        assert -0.01 <= audio.duration_seconds - count / rate_hz <= 0.01 + padding

    @pytest.mark.parametrize("output_rate_hz", [8_000, 24_000, 48_000])
    @pytest.mark.parametrize("count", [1, 100, 22_051])
    @pytest.mark.parametrize("stream_format", EXACT)
    def test_another_rate_changes_the_number_of_samples_and_not_the_length(
        self,
        encoder: AudioStreamEncoder,
        decoder: AudioDecoder,
        stream_format: StreamFormat,
        count: int,
        output_rate_hz: int,
    ) -> None:
        content, _ = drained(
            self.encode(encoder, tone(count), stream_format, output_rate_hz=output_rate_hz)
        )
        audio = self.decoded(decoder, content, stream_format, output_rate_hz)
        assert audio.sample_rate_hz == output_rate_hz
        assert abs(len(audio.samples) - count * output_rate_hz / 22_050) <= 1

    @pytest.mark.parametrize("rate_hz", [22_050, 22_051])
    @pytest.mark.parametrize("part", [1, 441, 30_000])
    def test_another_rate_gives_the_same_samples_whatever_the_parts(
        self, encoder: AudioStreamEncoder, part: int, rate_hz: int
    ) -> None:
        noise = np.random.default_rng(1).uniform(-0.3, 0.3, 20_000).astype(np.float32)

        def encoded(part: int) -> bytes:
            pieces = self.encode(
                encoder,
                noise,
                StreamFormat.PCM,
                rate_hz=rate_hz,
                part=part,
                output_rate_hz=24_000,
            )
            return drained(pieces)[0]

        assert encoded(part) == encoded(777)

    @pytest.mark.parametrize("stream_format", LOSSLESS)
    def test_lossless_formats_hold_every_sample(
        self, encoder: AudioStreamEncoder, decoder: AudioDecoder, stream_format: StreamFormat
    ) -> None:
        samples = tone(30_000)

        content, _ = drained(self.encode(encoder, samples, stream_format, part=777))

        audio = decoder.decode(content, name="x", limit_seconds=60).samples
        np.testing.assert_allclose(audio * 32767, to_int16(samples), atol=1.01)

    @pytest.mark.parametrize("stream_format", StreamFormat)
    def test_the_first_kilobyte_leaves_within_a_third_of_a_second_of_speech(
        self, encoder: AudioStreamEncoder, stream_format: StreamFormat
    ) -> None:
        taken = 0

        def watched() -> Iterator[Samples]:
            nonlocal taken
            noise = np.random.default_rng(1).uniform(-0.3, 0.3, 22_050 * 3).astype(np.float32)
            for start in range(0, len(noise), 441):
                taken = start + 441
                yield noise[start : start + 441]

        sent = 0
        for piece in encoder.encode(
            watched(), sample_rate_hz=22_050, stream_format=stream_format, bitrate_kbps=128
        ):
            sent += len(piece)
            if sent > 1_000:
                break
        assert taken / 22_050 <= 0.33

    @pytest.mark.parametrize("stream_format", StreamFormat)
    def test_a_head_that_comes_at_the_end_fits_over_the_beginning(
        self, encoder: AudioStreamEncoder, decoder: AudioDecoder, stream_format: StreamFormat
    ) -> None:
        content, head = drained(self.encode(encoder, tone(50_000), stream_format))

        mended = head + content[len(head) :]
        assert len(mended) == len(content)
        audio = self.decoded(decoder, mended, stream_format, 22_050)
        assert audio.duration_seconds == pytest.approx(50_000 / 22_050, abs=0.13)

    @pytest.mark.parametrize("stream_format", StreamFormat)
    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_refuses_samples_that_are_not_finite(
        self, encoder: AudioStreamEncoder, stream_format: StreamFormat, bad: float
    ) -> None:
        samples = tone(5_000)
        samples[3_000] = bad

        with pytest.raises(SynthesisFailed):
            drained(self.encode(encoder, samples, stream_format))

    @pytest.mark.parametrize("stream_format", StreamFormat)
    def test_nothing_leaves_where_there_is_no_audio(
        self, encoder: AudioStreamEncoder, stream_format: StreamFormat
    ) -> None:
        with pytest.raises(SynthesisFailed):
            next(self.encode(encoder, tone(0), stream_format))

    @pytest.mark.parametrize("stream_format", StreamFormat)
    def test_an_error_of_the_samples_comes_through_unchanged(
        self, encoder: AudioStreamEncoder, stream_format: StreamFormat
    ) -> None:
        def failing() -> Iterator[Samples]:
            yield tone(10_000)
            raise Cancelled("stopped")

        with pytest.raises(Cancelled, match="stopped"):
            drained(
                encoder.encode(
                    failing(), sample_rate_hz=22_050, stream_format=stream_format, bitrate_kbps=128
                )
            )

    @pytest.mark.parametrize("stream_format", StreamFormat)
    def test_can_be_left_in_the_middle(
        self, encoder: AudioStreamEncoder, stream_format: StreamFormat
    ) -> None:
        pieces = self.encode(encoder, tone(100_000), stream_format)
        assert next(pieces)
        pieces.close()
