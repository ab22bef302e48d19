"""Emotion vectors: what the language model adds to a speaker's conditioning."""

from collections.abc import Sequence

import torch
from torch import Tensor

from adapters.indextts2.noise import Noise
from adapters.indextts2.reference.reference import Reference


class EmotionMixer:
    """Mixes emotion vectors of recordings and of the model's own exemplars.

    W is the language model's width. Source: ``IndexTTS2.infer_generator`` in upstream's
    infer_v2.py, and ``UnifiedVoice.merge_emovec``.
    """

    def __init__(self, *, styles: Tensor, emotions: Tensor, counts: Sequence[int]) -> None:
        """Group the exemplars by emotion.

        Args:
            styles: (E, 192), the exemplars' speaker styles (upstream's ``spk_matrix``).
            emotions: (E, W), their emotion vectors (upstream's ``emo_matrix``).
            counts: How many exemplars each emotion has, in the order of
                ``domain.emotion.EMOTIONS``; their sum is E.
        """
        self._styles = torch.split(styles, list(counts))  # each (count, 192)
        self._emotions = torch.split(emotions, list(counts))  # each (count, W)

    def own(self, speaker: Reference) -> Tensor:
        """Return the emotion vector (1, W) of the speaker's own recording."""
        return self.copied(speaker, speaker, alpha=1.0)

    def copied(self, speaker: Reference, emotion: Reference, *, alpha: float) -> Tensor:
        """Return the speaker's emotion vector, moved by ``alpha`` towards another recording's.

        Returns:
            (1, W): (1 - ``alpha``) · speaker + ``alpha`` · emotion.
        """
        return speaker.speaker_emotion + alpha * (emotion.prompt_emotion - speaker.speaker_emotion)

    def weighted(
        self, speaker: Reference, weights: Sequence[float], *, drawn_by: Noise | None
    ) -> Tensor:
        """Return the weighted sum of eight exemplars plus (1 - Σ weights) of the speaker's own.

        Args:
            speaker: The reference of the voice.
            weights: One for each emotion, in the order of ``domain.emotion.EMOTIONS``.
            drawn_by: Draws the exemplar of each emotion at random; None takes the one whose style
                is nearest to the speaker's, by cosine similarity.

        Returns:
            (1, W).
        """
        rows = [
            self._nearest(speaker.style, index)
            if drawn_by is None
            else drawn_by.pick(len(self._emotions[index]), index=index)
            for index in range(len(weights))
        ]
        exemplars = torch.stack(
            [vectors[row] for vectors, row in zip(self._emotions, rows, strict=True)]
        )  # (8, W)
        shares = torch.tensor(list(weights), device=exemplars.device)  # (8,)
        mixed = (shares[:, None] * exemplars).sum(dim=0, keepdim=True)
        return mixed + (1 - shares.sum()) * self.own(speaker)

    def _nearest(self, style: Tensor, index: int) -> int:
        """Return the row of emotion ``index``'s exemplar that is nearest to ``style`` (1, 192)."""
        similarity = torch.nn.functional.cosine_similarity(style, self._styles[index], dim=1)
        return int(similarity.argmax())
