"""The loaded model: the texts of one request in, the port's parts out."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from adapters.indextts2.engine.frontend import Frontend, PreparedRequest
from adapters.indextts2.engine.synthesis import Synthesizer
from adapters.indextts2.t2s.text import TokenisedText
from application.ports.speech_model import SpokenPart
from domain.delivery import Delivery
from domain.errors import printable
from domain.voice import Recording
from domain.warnings import SpeechWarning, WarningCode

_SHOWN_UNKNOWN = 8
"""Unknown stretches of text that one warning quotes; more would bury the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Speaks one request after the other; another may be spoken between two parts of one."""

    frontend: Frontend
    synthesizer: Synthesizer

    def speak(
        self, chunks: Sequence[str], *, voice: Recording, delivery: Delivery
    ) -> Generator[SpokenPart, None, None]:
        """See ``SpeechModel.speak``; foreign exceptions pass through."""
        request = self.frontend.prepare(chunks, voice=voice, delivery=delivery)
        with closing(_parts(self.synthesizer, request)) as parts:
            yield from parts


def _parts(synthesizer: Synthesizer, request: PreparedRequest) -> Generator[SpokenPart, None, None]:
    """Yield the parts of all chunks, in order.

    The chunk comes from each piece's own key. A chunk without a segment becomes one empty part.
    """
    weights = request.classified_emotion
    begun = 0
    for piece in synthesizer.pieces(request):
        chunk = piece.task.key.chunk
        yield from _silent_parts(request.texts, begun, chunk)
        unknown = _unknown_warnings(chunk, request.texts[chunk]) if chunk >= begun else ()
        begun = chunk + 1
        yield SpokenPart(
            chunk,
            piece.samples,
            ends_chunk=piece.ends_segment and piece.task.ends_chunk,
            warnings=(*unknown, *piece.warnings),
            emotion_weights=weights,
        )
        weights = None
    yield from _silent_parts(request.texts, begun, len(request.texts))


def _silent_parts(texts: Sequence[TokenisedText], first: int, stop: int) -> Iterator[SpokenPart]:
    """Yield an empty part for each chunk from ``first`` to ``stop``, which have no segment."""
    for chunk in range(first, stop):
        yield SpokenPart(
            chunk,
            np.zeros(0, np.float32),
            ends_chunk=True,
            warnings=_unknown_warnings(chunk, texts[chunk]),
        )


def _unknown_warnings(chunk: int, text: TokenisedText) -> tuple[SpeechWarning, ...]:
    if not text.unknown:
        return ()
    shown = " ".join(printable(part, limit=20) for part in text.unknown[:_SHOWN_UNKNOWN])
    nothing = "" if text.segments else "; nothing of it can be spoken"
    sentence = f"chunk {chunk + 1}: the model does not know {shown}{nothing}"
    return (SpeechWarning(WarningCode.UNKNOWN_TEXT, sentence),)
