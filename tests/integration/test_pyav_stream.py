import io
import wave

import av
import numpy as np
import pytest

from adapters.pyav.decoder import PyavDecoder
from adapters.pyav.resampling import resampled
from adapters.pyav.stream_encoder import PyavStreamEncoder
from application.ports.audio import AudioDecoder, AudioStreamEncoder
from domain.audio import Samples, StreamFormat
from domain.errors import SynthesisFailed
from tests.contracts.audio_stream import AudioStreamContract, drained, tone


class TestPyavStreamEncoder(AudioStreamContract):
    @pytest.fixture
    def encoder(self) -> AudioStreamEncoder:
        return PyavStreamEncoder()

    @pytest.fixture
    def decoder(self) -> AudioDecoder:
        return PyavDecoder()

    def test_mp3_streams_can_be_put_end_to_end(
        self, encoder: AudioStreamEncoder, decoder: AudioDecoder
    ) -> None:
        content, _ = drained(self.encode(encoder, tone(44_100), StreamFormat.MP3))

        assert content[0] == 0xFF
        assert b"Xing" not in content
        assert b"Info" not in content
        assert decoder.decode(content * 2, name="x", limit_seconds=60).duration_seconds > 4

    @pytest.mark.parametrize(
        ("stream_format", "container"),
        [
            (StreamFormat.OPUS, "ogg"),
            (StreamFormat.MP3, "mp3"),
            (StreamFormat.WAV, "wav"),
            (StreamFormat.FLAC, "flac"),
            (StreamFormat.M4A, "mov,mp4,m4a,3gp,3g2,mj2"),
            (StreamFormat.AAC, "aac"),
        ],
    )
    def test_streams_have_the_format_of_their_name(
        self, encoder: AudioStreamEncoder, stream_format: StreamFormat, container: str
    ) -> None:
        content, _ = drained(self.encode(encoder, tone(30_000), stream_format))

        with av.open(io.BytesIO(content)) as opened:
            assert opened.format.name == container
            assert opened.streams.audio[0].codec_context.layout.nb_channels == 1

    def test_the_finished_head_of_a_wav_file_has_its_length(
        self, encoder: AudioStreamEncoder
    ) -> None:
        content, head = drained(self.encode(encoder, tone(30_000), StreamFormat.WAV))

        with wave.open(io.BytesIO(head + content[len(head) :])) as sound:
            assert (sound.getnframes(), sound.getframerate()) == (30_000, 22_050)

    def test_the_finished_head_of_a_flac_file_has_its_length(
        self, encoder: AudioStreamEncoder
    ) -> None:
        content, head = drained(self.encode(encoder, tone(22_050), StreamFormat.FLAC))

        durations = []
        for start in (head, content[: len(head)]):
            with av.open(io.BytesIO(start + content[len(head) :])) as opened:
                durations.append(opened.streams.audio[0].duration)
        assert durations == [22_050, None]


def test_a_codec_that_refuses_its_settings_is_a_synthesis_failure() -> None:
    with pytest.raises(SynthesisFailed, match="could not be encoded"):
        drained(
            PyavStreamEncoder().encode(
                [tone(100)],
                sample_rate_hz=1_000_000,
                stream_format=StreamFormat.M4A,
                bitrate_kbps=128,
            )
        )


def test_an_odd_rate_gives_the_same_samples_to_the_last_bit() -> None:
    noise = np.random.default_rng(1).uniform(-0.3, 0.3, 100_001).astype(np.float32)

    def made(part: int) -> Samples:
        parts = (noise[start : start + part] for start in range(0, len(noise), part))
        return np.concatenate(list(resampled(parts, rate_hz=44_099, output_rate_hz=24_000)))

    assert np.array_equal(made(17), made(777))
