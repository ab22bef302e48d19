import tempfile
from importlib.resources import files
from pathlib import Path

import av
import numpy as np
import pytest

from adapters.pyav.decoder import PyavDecoder
from adapters.pyav.encoder import PyavEncoder
from application.ports.audio import AudioDecoder, AudioEncoder
from domain.audio import AudioFormat, to_int16
from domain.errors import BadReference, OutOfMemory, StorageFailed, SynthesisFailed
from tests.contracts.audio_codec import AudioCodecContract, tone

DECODER = PyavDecoder()
"""One for all tests: each has a process of its own."""


class TestPyavCodec(AudioCodecContract):
    @pytest.fixture
    def encoder(self) -> AudioEncoder:
        return PyavEncoder()

    @pytest.fixture
    def decoder(self) -> AudioDecoder:
        return DECODER

    @pytest.mark.parametrize(
        ("audio_format", "container", "codec", "rate_hz"),
        [
            (AudioFormat.OPUS, "ogg", "opus", 48_000),
            (AudioFormat.MP3, "mp3", "mp3float", 22_050),
            (AudioFormat.WAV, "wav", "pcm_s16le", 22_050),
            (AudioFormat.FLAC, "flac", "flac", 22_050),
            (AudioFormat.M4A, "mov,mp4,m4a,3gp,3g2,mj2", "aac", 22_050),
        ],
    )
    def test_files_have_the_format_of_their_ending(
        self,
        encoder: AudioEncoder,
        audio_format: AudioFormat,
        container: str,
        codec: str,
        rate_hz: int,
    ) -> None:
        with (
            self.encode(encoder, tone(30_000), audio_format) as encoded,
            av.open(encoded.content, "r") as opened,
        ):
            stream = opened.streams.audio[0]
            assert (opened.format.name, stream.codec_context.name) == (container, codec)
            assert stream.codec_context.sample_rate == rate_hz
            assert stream.codec_context.layout.nb_channels == 1

    @pytest.mark.parametrize("bitrate_kbps", [16, 128, 320])
    @pytest.mark.parametrize("audio_format", AudioFormat)
    def test_speech_takes_most_of_the_data_rate_that_is_told_and_no_more(
        self, encoder: AudioEncoder, audio_format: AudioFormat, bitrate_kbps: int
    ) -> None:
        bundled = files("adapters.filesystem").joinpath("bundled_voices", "default.ogg")
        speech = DECODER.decode(bundled.read_bytes(), name="default.ogg", limit_seconds=60)
        rate_hz = speech.sample_rate_hz // 2  # that of the models' speech
        samples = speech.samples[: len(speech.samples) // 2 * 2].reshape(-1, 2).mean(axis=1)

        with encoder.encode(
            [samples],
            sample_rate_hz=rate_hz,
            audio_format=audio_format,
            bitrate_kbps=bitrate_kbps,
        ) as encoded:
            found = encoded.size_bytes * 8 / 1000 / encoded.duration_seconds
        told = encoder.data_rate_kbps(
            audio_format, sample_rate_hz=rate_hz, bitrate_kbps=bitrate_kbps
        )
        assert 0.5 * told < found < 1.01 * told

    def test_opus_has_24_khz_and_reports_128_kbit(self, encoder: AudioEncoder) -> None:
        noise = np.random.default_rng(1).uniform(-0.5, 0.5, 22_050 * 5).astype(np.float32)

        with self.encode(encoder, noise, AudioFormat.OPUS) as encoded:
            rate = encoded.size_bytes * 8 / encoded.duration_seconds / 1000

        assert (encoded.sample_rate_hz, encoded.bitrate_kbps) == (24_000, 128)
        assert rate == pytest.approx(128, rel=0.15)

    @pytest.mark.parametrize("audio_format", AudioFormat)
    @pytest.mark.parametrize("bitrate_kbps", [16, 100, 320])
    def test_takes_every_bit_rate_and_reports_the_one_it_used(
        self, encoder: AudioEncoder, audio_format: AudioFormat, bitrate_kbps: int
    ) -> None:
        with encoder.encode(
            [tone(22_050)],
            sample_rate_hz=22_050,
            audio_format=audio_format,
            bitrate_kbps=bitrate_kbps,
        ) as encoded:
            used = encoded.bitrate_kbps

        if audio_format.is_lossy:
            assert used is not None
            assert used <= bitrate_kbps
        else:
            assert used is None

    def test_the_same_samples_make_the_same_file(self, encoder: AudioEncoder) -> None:
        for audio_format in AudioFormat:
            with (
                self.encode(encoder, tone(30_000), audio_format) as first,
                self.encode(encoder, tone(30_000), audio_format) as second,
            ):
                assert first.content.read() == second.content.read()


@pytest.mark.parametrize("audio_format", AudioFormat)
def test_reads_a_recording_by_its_content_whatever_its_name(audio_format: AudioFormat) -> None:
    with PyavEncoder().encode(
        [tone(44_100)], sample_rate_hz=22_050, audio_format=audio_format, bitrate_kbps=128
    ) as encoded:
        decoded = DECODER.decode(encoded.content.read(), name="lies.txt", limit_seconds=60)

    assert decoded.duration_seconds == pytest.approx(2, abs=0.05)
    assert np.abs(decoded.samples).max() == pytest.approx(0.3, abs=0.05)


def test_several_channels_become_their_mean(tmp_path: Path) -> None:
    left, right = tone(16_000), np.zeros(16_000, dtype=np.float32)
    path = tmp_path / "stereo.wav"
    with av.open(path, "w") as container:
        stream = container.add_stream("pcm_s16le", rate=16_000, layout="stereo")
        interleaved = to_int16(np.stack([left, right], axis=1).reshape(1, -1))
        frame = av.AudioFrame.from_ndarray(interleaved, format="s16", layout="stereo")
        frame.sample_rate = 16_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))

    decoded = DECODER.decode(path.read_bytes(), name="stereo.wav", limit_seconds=60)

    assert decoded.sample_rate_hz == 16_000
    np.testing.assert_allclose(decoded.samples, left / 2, atol=1e-4)


def test_a_video_without_sound_is_no_recording(tmp_path: Path) -> None:
    path = tmp_path / "mute.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=25, width=32, height=32)
        stream.pix_fmt = "yuv420p"
        picture = av.VideoFrame.from_ndarray(np.zeros((48, 32), dtype=np.uint8), format="yuv420p")
        container.mux(stream.encode(picture))
        container.mux(stream.encode(None))

    with pytest.raises(BadReference, match="holds no audio"):
        DECODER.decode(path.read_bytes(), name="mute.mp4", limit_seconds=60)


def test_a_recording_with_nan_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "nan.wav"
    with av.open(path, "w") as container:
        stream = container.add_stream("pcm_f32le", rate=16_000, layout="mono")
        samples = np.full((1, 16_000), np.nan, dtype=np.float32)
        frame = av.AudioFrame.from_ndarray(samples, format="flt", layout="mono")
        frame.sample_rate = 16_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))

    with pytest.raises(BadReference, match="not numbers"):
        DECODER.decode(path.read_bytes(), name="nan.wav", limit_seconds=60)


@pytest.mark.parametrize("audio_format", AudioFormat)
@pytest.mark.parametrize("kept", [0.02, 0.5, 0.95])
def test_a_truncated_recording_is_read_in_part_or_refused(
    audio_format: AudioFormat, kept: float
) -> None:
    with PyavEncoder().encode(
        [tone(44_100)], sample_rate_hz=22_050, audio_format=audio_format, bitrate_kbps=128
    ) as encoded:
        content = encoded.content.read()

    try:
        decoded = DECODER.decode(
            content[: int(len(content) * kept)], name="cut.wav", limit_seconds=60
        )
    except BadReference:
        return
    assert 0 < decoded.duration_seconds <= 2.05


def test_a_playlist_opens_no_other_file(tmp_path: Path) -> None:
    with PyavEncoder().encode(
        [tone(44_100)], sample_rate_hz=22_050, audio_format=AudioFormat.WAV, bitrate_kbps=128
    ) as encoded:
        (tmp_path / "secret.wav").write_bytes(encoded.content.read())
    target = tmp_path / "secret.wav"

    for playlist in (
        f"#EXTM3U\n#EXTINF:2,\n{target}\n#EXT-X-ENDLIST\n",
        f"ffconcat version 1.0\nfile {target}\n",
    ):
        with pytest.raises(BadReference):
            DECODER.decode(playlist.encode(), name="list.wav", limit_seconds=60)


def test_a_full_disk_is_a_storage_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))

    with pytest.raises(StorageFailed, match="no room"):
        PyavEncoder().encode(
            (tone(22_050) for _ in range(400)),
            sample_rate_hz=22_050,
            audio_format=AudioFormat.WAV,
            bitrate_kbps=128,
        )


def test_a_codec_that_refuses_its_settings_is_a_synthesis_failure() -> None:
    with pytest.raises(SynthesisFailed, match="could not be encoded"):
        PyavEncoder().encode(
            [tone(100)], sample_rate_hz=1_000_000, audio_format=AudioFormat.M4A, bitrate_kbps=128
        )


@pytest.mark.parametrize(
    "error", [MemoryError(), av.error.MemoryError(12, "Cannot allocate memory")]
)
def test_an_encoder_without_memory_is_out_of_memory(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def from_ndarray(*_: object, **__: object) -> object:
        raise error

    monkeypatch.setattr("av.AudioFrame", type("Full", (), {"from_ndarray": from_ndarray}))

    with pytest.raises(OutOfMemory):
        PyavEncoder().encode(
            [tone(100)], sample_rate_hz=22_050, audio_format=AudioFormat.WAV, bitrate_kbps=128
        )
