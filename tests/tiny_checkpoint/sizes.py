"""Sizes of random checkpoints: tiny for tests, middle and full for benchmarks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.tiny_checkpoint.config import MODEL_CONFIG, SPEECH_ENCODER_CONFIG, VOCODER_CONFIG


@dataclass(frozen=True, slots=True)
class Sizes:
    """The configuration files of a checkpoint, and the sizes of CAMPPlus, which has no file."""

    model: Mapping[str, Any]
    speech_encoder: Mapping[str, Any]
    vocoder: Mapping[str, Any]
    speaker_encoder: Mapping[str, int]

    @property
    def semantic_width(self) -> int:
        """Width of the speech encoder's features."""
        return int(self.speech_encoder["hidden_size"])


def _changed(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``settings`` with ``changes``; mappings in both are merged in the same way."""
    deeper = {
        name: _changed(settings[name], change)
        for name, change in changes.items()
        if isinstance(change, Mapping) and name in settings
    }
    return {**settings, **changes, **deeper}


TINY = Sizes(
    model=MODEL_CONFIG,
    speech_encoder=SPEECH_ENCODER_CONFIG,
    vocoder=VOCODER_CONFIG,
    speaker_encoder={"growth_rate": 4, "bn_size": 1, "init_channels": 8},
)

FULL = Sizes(
    model=_changed(
        MODEL_CONFIG,
        {
            "gpt": {
                "model_dim": 1280,
                "heads": 20,
                "layers": 24,
                "number_text_tokens": 12000,
                "number_mel_codes": 8194,
                "start_mel_token": 8192,
                "stop_mel_token": 8193,
                "condition_module": {
                    "output_size": 512,
                    "linear_units": 2048,
                    "attention_heads": 8,
                    "num_blocks": 6,
                    "perceiver_mult": 2,
                },
                "emo_condition_module": {
                    "output_size": 512,
                    "linear_units": 1024,
                    "attention_heads": 4,
                    "num_blocks": 4,
                    "perceiver_mult": 2,
                },
            },
            "semantic_codec": {
                "codebook_size": 8192,
                "hidden_size": 1024,
                "vocos_dim": 384,
                "vocos_intermediate_dim": 2048,
                "vocos_num_layers": 12,
            },
            "s2mel": {
                "length_regulator": {
                    "channels": 512,
                    "in_channels": 1024,
                    "content_codebook_size": 2048,
                },
                "DiT": {"hidden_dim": 512, "num_heads": 8, "depth": 13, "content_dim": 512},
                "wavenet": {"hidden_dim": 512, "num_layers": 8},
            },
        },
    ),
    speech_encoder=_changed(
        SPEECH_ENCODER_CONFIG,
        {
            "hidden_size": 1024,
            "output_hidden_size": 1024,
            "intermediate_size": 4096,
            "num_hidden_layers": 24,
            "num_attention_heads": 16,
            "conv_depthwise_kernel_size": 31,
            "left_max_position_embeddings": 64,
            "right_max_position_embeddings": 8,
        },
    ),
    vocoder=_changed(
        VOCODER_CONFIG,
        {
            "upsample_rates": [4, 4, 2, 2, 2, 2],
            "upsample_kernel_sizes": [8, 8, 4, 4, 4, 4],
            "upsample_initial_channel": 1536,
            "resblock_kernel_sizes": [3, 7, 11],
            "resblock_dilation_sizes": [[1, 3, 5]] * 3,
        },
    ),
    speaker_encoder={"growth_rate": 32, "bn_size": 4, "init_channels": 128},
)
"""IndexTTS-2's own sizes."""

MIDDLE = Sizes(
    model=_changed(
        FULL.model,
        {
            "gpt": {
                "model_dim": 512,
                "heads": 8,
                "layers": 12,
                "condition_module": {"output_size": 192, "linear_units": 768, "num_blocks": 3},
                "emo_condition_module": {"output_size": 192, "linear_units": 384, "num_blocks": 2},
            },
            "semantic_codec": {
                "hidden_size": 384,
                "vocos_dim": 144,
                "vocos_intermediate_dim": 768,
                "vocos_num_layers": 6,
            },
            "s2mel": {
                "length_regulator": {"channels": 192, "in_channels": 384},
                "DiT": {"hidden_dim": 192, "num_heads": 4, "depth": 7, "content_dim": 192},
                "wavenet": {"hidden_dim": 192, "num_layers": 4},
            },
        },
    ),
    speech_encoder=_changed(
        FULL.speech_encoder,
        {
            "hidden_size": 384,
            "output_hidden_size": 384,
            "intermediate_size": 1536,
            "num_attention_heads": 8,
        },
    ),
    vocoder=_changed(FULL.vocoder, {"upsample_initial_channel": 512}),
    speaker_encoder={"growth_rate": 16, "bn_size": 4, "init_channels": 64},
)
"""Two fifths of the width and half of the depth of IndexTTS-2."""
