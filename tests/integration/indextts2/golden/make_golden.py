"""Run the package's own ``IndexTTS2`` class on the tiny checkpoint and keep what it produced.

``python -m tests.integration.indextts2.golden.make_golden`` in an environment with the packages of
``versions.txt`` beside this file writes one ``.npz`` for each case of ``cases.json``.

What is not the package's own: torchaudio, whose wheel does not import beside a CPU build of torch,
is stood in for by the adapter's resampler and filter bank; the text is not normalised; layers that
the package sizes for the full model are sized for the tiny one; and chance is seeded right before
each segment's code generation and flow matching, so that a case can be repeated.
"""

import importlib.machinery
import json
import os
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import nn

from adapters.indextts2.reference.features import kaldi_bands
from adapters.indextts2.reference.resampling import resample_by_sinc
from tests.tiny_checkpoint.checkpoint import write_checkpoint
from tests.tiny_checkpoint.config import SEMANTIC_WIDTH
from tests.tiny_checkpoint.voices import hum, write_wav

HERE = Path(__file__).parent
VOICES = {"low": (110.0, 24000), "high": (220.0, 44100)}
PACKAGES = ("indextts2-inference", "torch", "transformers", "librosa", "soxr", "numpy")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # Before anything imports huggingface_hub, which reads them once.
        os.environ |= {"HF_HUB_CACHE": str(folder / "checkpoint" / "hub"), "HF_HUB_OFFLINE": "1"}
        model = write_checkpoint(folder / "checkpoint")
        for voice, (pitch, rate) in VOICES.items():
            write_wav(folder / f"{voice}.wav", hum(pitch, rate_hz=rate), rate)
        speaker = _package_class()(model_dir=str(model), device="cpu")
        for case, settings in json.loads((HERE / "cases.json").read_text()).items():
            np.savez_compressed(HERE / f"{case}.npz", **_run(speaker, settings, folder))
    versions = [f"{package}=={version(package)}" for package in PACKAGES]
    (HERE / "versions.txt").write_text("\n".join(versions) + "\n")


def _run(speaker: Any, settings: dict[str, Any], folder: Path) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    codes: list[Any] = []
    waves: list[Any] = []
    latents: list[Any] = []
    generate, flow, vocoder = (
        speaker.gpt.inference_speech,
        speaker.s2mel.models["cfm"].inference,
        speaker.bigvgan.forward,
    )
    think = speaker.gpt.forward

    def seeded_generate(*args: Any, **kwargs: Any) -> Any:
        torch.manual_seed(settings["seed"] + 100 * len(codes))
        answer = generate(*args, **kwargs)
        codes.append(answer[0][0].numpy().astype(np.int16))
        return answer

    def kept_think(*args: Any, **kwargs: Any) -> Any:
        latents.append(think(*args, **kwargs))
        return latents[-1]

    def seeded_flow(*args: Any, **kwargs: Any) -> Any:
        torch.manual_seed(settings["seed"] + 100 * len(waves) + 50)
        return flow(*args, **kwargs)

    def kept_vocoder(mel: Any) -> Any:
        waves.append(vocoder(mel))
        return waves[-1]

    speaker.gpt.inference_speech, speaker.gpt.forward = seeded_generate, kept_think
    speaker.s2mel.models["cfm"].inference = seeded_flow
    speaker.bigvgan.forward = kept_vocoder
    arguments = dict(settings["arguments"])
    if "emo_audio_prompt" in arguments:
        arguments["emo_audio_prompt"] = str(folder / f"{arguments['emo_audio_prompt']}.wav")
    speaker.infer(
        str(folder / f"{settings['voice']}.wav"),
        settings["text"],
        None,
        interval_silence=0,
        **arguments,
    )
    speaker.gpt.inference_speech, speaker.gpt.forward = generate, think
    speaker.s2mel.models["cfm"].inference, speaker.bigvgan.forward = flow, vocoder
    for index, (ids, wave, latent) in enumerate(zip(codes, waves, latents, strict=True)):
        kept[f"codes_{index}"] = ids
        kept[f"latents_{index}"] = latent.detach().numpy()
        samples = wave.detach().flatten().clamp(-1, 1).numpy()
        kept[f"wave_{index}"] = np.rint(samples * 32767).astype(np.int16)
    if "emo_audio_prompt" in arguments:
        kept |= {
            "speaker_features": speaker.cache_spk_cond.detach().numpy(),
            "emotion_features": speaker.cache_emo_cond.detach().numpy(),
            "style": speaker.cache_s2mel_style.detach().numpy(),
            "prompt": speaker.cache_s2mel_prompt.detach().numpy(),
            "mel": speaker.cache_mel.detach().numpy(),
        }
    return kept


def _package_class() -> Any:
    """Return the package's class without torchaudio, its layers sized for the checkpoint."""
    import librosa  # noqa: F401  # before the stand-in, which is not for it
    import transformers  # noqa: F401

    _stand_in_for_torchaudio()
    from indextts import infer_v2

    class TinyVoice(infer_v2.UnifiedVoice):  # type: ignore[misc]
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            for encoder in (self.conditioning_encoder, self.emo_conditioning_encoder):
                channels = encoder.embed.out[0].out_features
                encoder.embed.out[0] = nn.Linear(channels * ((SEMANTIC_WIDTH - 1) // 2), channels)

    class TinyDecoder(infer_v2.MyModel):  # type: ignore[misc]
        def __init__(self, settings: Any, **others: Any) -> None:
            super().__init__(settings, **others)
            self.models["gpt_layer"] = nn.Sequential(
                nn.Linear(64, 256), nn.Linear(256, 128), nn.Linear(128, SEMANTIC_WIDTH)
            )

    class TinySpeakerEncoder(infer_v2.CAMPPlus):  # type: ignore[misc]
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings, growth_rate=4, bn_size=1, init_channels=8)

    infer_v2.UnifiedVoice, infer_v2.MyModel = TinyVoice, TinyDecoder
    infer_v2.CAMPPlus = TinySpeakerEncoder
    infer_v2.QwenEmotion = lambda folder: None
    infer_v2.TextNormalizer.load = lambda self: None
    infer_v2.TextNormalizer.normalize = lambda self, text: text
    return infer_v2.IndexTTS2


def _stand_in_for_torchaudio() -> None:
    def module(name: str, **content: object) -> ModuleType:
        made = ModuleType(name)
        made.__spec__ = importlib.machinery.ModuleSpec(name, None)
        vars(made).update(content)
        sys.modules[name] = made
        return made

    def resampler(old: int, new: int) -> Callable[[Any], Any]:
        return lambda audio: torch.from_numpy(resample_by_sinc(audio[0].numpy(), old, new))[None]

    def bands(audio: Any, **_: object) -> Any:
        return kaldi_bands(audio[0])

    module(
        "torchaudio",
        transforms=module("torchaudio.transforms", Resample=resampler),
        compliance=module(
            "torchaudio.compliance", kaldi=module("torchaudio.compliance.kaldi", fbank=bands)
        ),
        functional=module(
            "torchaudio.functional",
            functional=module("torchaudio.functional.functional", _hz_to_mel=None, _mel_to_hz=None),
        ),
    )


if __name__ == "__main__":
    main()
