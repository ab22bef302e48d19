"""An emotion as the language model takes it: one vector added to the voice."""

from collections.abc import Sequence

import torch
from torch import Tensor

from adapters.indextts2.noise import Noise
from adapters.indextts2.reference.encoder import Reference


class EmotionMixer:
    """Mixes emotion vectors (1, width) from recordings and from the model's own exemplars."""

    def __init__(self, *, styles: Tensor, emotions: Tensor, counts: Sequence[int]) -> None:
        self._styles = torch.split(styles, list(counts))
        self._emotions = torch.split(emotions, list(counts))

    def own(self, voice: Reference) -> Tensor:
        """The emotion of the speaker's own recording."""
        return self.copied(voice, voice, alpha=1.0)

    def copied(self, voice: Reference, emotion: Reference, *, alpha: float) -> Tensor:
        """``alpha`` of the way from the speaker's emotion to that of another recording."""
        return voice.spoken_emotion + alpha * (emotion.heard_emotion - voice.spoken_emotion)

    def weighted(
        self, voice: Reference, weights: Sequence[float], *, drawn_by: Noise | None
    ) -> Tensor:
        """The eight emotions by their ``weights``, and the speaker's own for what is left of one.

        Each emotion is shown by the exemplar whose style is nearest to the speaker's (cosine), or
        by one that ``drawn_by`` picks.
        """
        rows = [
            self._nearest(voice.style, index)
            if drawn_by is None
            else drawn_by.pick(len(self._emotions[index]), index=index)
            for index in range(len(weights))
        ]
        shown = torch.stack(
            [exemplars[row] for exemplars, row in zip(self._emotions, rows, strict=True)]
        )
        share = torch.tensor(list(weights), device=shown.device)
        mixed = (share[:, None] * shown).sum(dim=0, keepdim=True)
        return mixed + (1 - share.sum()) * self.own(voice)

    def _nearest(self, style: Tensor, index: int) -> int:
        likeness = torch.nn.functional.cosine_similarity(style, self._styles[index], dim=1)
        return int(likeness.argmax())
