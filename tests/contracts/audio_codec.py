"""What every encoder promises, checked with its decoder; and what every decoder promises."""

import tracemalloc
from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np
import pytest

from application.ports.audio import AudioDecoder, AudioEncoder, EncodedAudio
from domain.audio import AudioFormat, Samples, to_int16
from domain.errors import BadReference, Cancelled, SynthesisFailed

RATES = (22_050, 24_000)
LOSSLESS = (AudioFormat.WAV, AudioFormat.FLAC)


def tone(count: int) -> Samples:
    wave: Samples = (0.3 * np.sin(np.arange(count) * 0.05)).astype(np.float32)
    return wave


class AudioCodecContract(ABC):
    @pytest.fixture
    @abstractmethod
    def encoder(self) -> AudioEncoder: ...

    @pytest.fixture
    @abstractmethod
    def decoder(self) -> AudioDecoder: ...

    def encode(
        self,
        encoder: AudioEncoder,
        samples: Samples,
        audio_format: AudioFormat,
        *,
        rate_hz: int = 22_050,
        part: int = 4_410,
    ) -> EncodedAudio:
        return encoder.encode(
            (samples[start : start + part] for start in range(0, len(samples), part)),
            sample_rate_hz=rate_hz,
            audio_format=audio_format,
            bitrate_kbps=128,
        )

    @pytest.mark.parametrize("rate_hz", RATES)
    @pytest.mark.parametrize("count", [1, 2, 3, 10, 100, 1_000, 22_050, 100_001])
    @pytest.mark.parametrize("audio_format", AudioFormat)
    def test_reports_the_duration_that_a_decoder_finds(
        self,
        encoder: AudioEncoder,
        decoder: AudioDecoder,
        audio_format: AudioFormat,
        count: int,
        rate_hz: int,
    ) -> None:
        with self.encode(encoder, tone(count), audio_format, rate_hz=rate_hz) as encoded:
            decoded = decoder.decode(encoded.content.read(), name="x", limit_seconds=60)

        tolerance = 0.048 if audio_format is AudioFormat.MP3 else 0.010
        assert decoded.duration_seconds == pytest.approx(encoded.duration_seconds, abs=tolerance)
        assert encoded.duration_seconds == pytest.approx(count / rate_hz, abs=0.0475)

    @pytest.mark.parametrize("audio_format", LOSSLESS)
    def test_lossless_formats_hold_every_sample(
        self, encoder: AudioEncoder, decoder: AudioDecoder, audio_format: AudioFormat
    ) -> None:
        samples = tone(30_000)

        with self.encode(encoder, samples, audio_format, part=777) as encoded:
            decoded = decoder.decode(encoded.content.read(), name="x", limit_seconds=60)

        np.testing.assert_allclose(decoded.samples * 32767, to_int16(samples), atol=1.01)

    @pytest.mark.parametrize("audio_format", AudioFormat)
    def test_reports_the_size_of_the_content(
        self, encoder: AudioEncoder, audio_format: AudioFormat
    ) -> None:
        with self.encode(encoder, tone(5_000), audio_format) as encoded:
            assert len(encoded.content.read()) == encoded.size_bytes > 0

    @pytest.mark.parametrize("audio_format", AudioFormat)
    def test_a_file_keeps_within_the_data_rate_but_for_its_head(
        self, encoder: AudioEncoder, audio_format: AudioFormat
    ) -> None:
        with self.encode(encoder, tone(22_050 * 5), audio_format) as encoded:
            kilobits = encoded.size_bytes * 8 / 1000
        told = encoder.data_rate_kbps(audio_format, sample_rate_hz=22_050, bitrate_kbps=128)

        assert kilobits / encoded.duration_seconds < told * 1.01

    @pytest.mark.parametrize("audio_format", AudioFormat)
    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_refuses_samples_that_are_not_finite(
        self, encoder: AudioEncoder, audio_format: AudioFormat, bad: float
    ) -> None:
        samples = tone(5_000)
        samples[3_000] = bad

        with pytest.raises(SynthesisFailed):
            self.encode(encoder, samples, audio_format)

    @pytest.mark.parametrize("audio_format", AudioFormat)
    def test_refuses_to_make_an_empty_file(
        self, encoder: AudioEncoder, audio_format: AudioFormat
    ) -> None:
        with pytest.raises(SynthesisFailed):
            self.encode(encoder, tone(0), audio_format)

    def test_an_error_of_the_samples_passes_through_unchanged(self, encoder: AudioEncoder) -> None:
        def failing() -> Iterator[Samples]:
            yield tone(10_000)
            raise Cancelled("stopped")

        with pytest.raises(Cancelled, match="stopped"):
            encoder.encode(
                failing(), sample_rate_hz=22_050, audio_format=AudioFormat.OPUS, bitrate_kbps=128
            )

    def test_holds_only_a_few_samples_in_memory(self, encoder: AudioEncoder) -> None:
        taken: list[int] = []

        def watched() -> Iterator[Samples]:
            for number in range(60):
                taken.append(number)
                yield tone(22_050)

        tracemalloc.start()
        try:
            with encoder.encode(
                watched(), sample_rate_hz=22_050, audio_format=AudioFormat.OPUS, bitrate_kbps=32
            ) as encoded:
                _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        assert len(taken) == 60
        assert peak < encoded.size_bytes * 2 + 2_000_000

    @pytest.mark.parametrize(
        "content", [b"", b"x" * 1000, b"\0" * 1000, b"RIFF", b"#EXTM3U\n/etc/passwd"]
    )
    def test_refuses_content_that_is_no_recording(
        self, decoder: AudioDecoder, content: bytes
    ) -> None:
        with pytest.raises(BadReference, match=r"bad_reference: noise\.wav "):
            decoder.decode(content, name="noise.wav", limit_seconds=60)

    def test_decodes_little_more_than_the_limit(
        self, encoder: AudioEncoder, decoder: AudioDecoder
    ) -> None:
        with self.encode(encoder, tone(22_050 * 10), AudioFormat.WAV) as encoded:
            decoded = decoder.decode(encoded.content.read(), name="x", limit_seconds=2)

        assert decoded.duration_seconds == 2

    @pytest.mark.parametrize("audio_format", AudioFormat)
    def test_counts_the_seconds_of_a_recording_up_to_a_limit(
        self, encoder: AudioEncoder, decoder: AudioDecoder, audio_format: AudioFormat
    ) -> None:
        with self.encode(encoder, tone(22_050 * 20), audio_format) as encoded:
            content = encoded.content.read()

        whole = decoder.duration_seconds(content, name="x", limit_seconds=60)
        assert whole == pytest.approx(20, abs=0.1)
        assert decoder.duration_seconds(content, name="x", limit_seconds=7) == 7

    def test_refuses_to_count_what_is_no_recording(self, decoder: AudioDecoder) -> None:
        with pytest.raises(BadReference, match=r"bad_reference: noise\.wav "):
            decoder.duration_seconds(b"x" * 1000, name="noise.wav", limit_seconds=60)
