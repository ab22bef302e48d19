"""Sample rates of the model; this module loads no library."""

MODEL_RATE_HZ = 22_050
"""Rate of the generated audio and of the recording from which a speaker's mel is computed.

Source: ``s2mel.preprocess_params.sr`` in IndexTTS-2's config.yaml, and ``sampling_rate`` in
upstream's ``IndexTTS2.infer_generator``.
"""
ENCODER_RATE_HZ = 16_000
"""Input rate of the speech encoder (w2v-BERT 2.0) and of the speaker encoder (CAMPPlus)."""
