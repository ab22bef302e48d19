"""The texts of the self-check, which any working model can speak or must refuse."""

from dataclasses import dataclass

from domain.emotion import Emotion, VectorEmotion


@dataclass(frozen=True, slots=True)
class CheckedText:
    """A text of the set; ``slowest`` and ``fastest`` are bounds in characters per second."""

    name: str
    text: str
    slowest: float
    fastest: float
    emotion: Emotion | None = None


# Careful readers of English speak 8 to 20 characters a second, of Chinese 2.5 to 6. The bounds are
# wider, because they are to find babble and missing words, not a slow or fast reader.
TEXTS = (
    CheckedText("one word", "Hello.", 2, 30),
    CheckedText("sentence", "The quick brown fox jumps over the lazy dog.", 6, 30),
    CheckedText("numbers", "Dr. Smith paid $3.50 at 3 p.m. on May 5, 2024.", 4, 30),
    CheckedText("question", "Are you sure that this is the right way home?", 6, 30),
    CheckedText(
        "long text",
        "A small boat lay at the end of the pier. Nobody had used it for years, and the rain had"
        " filled it halfway. Still, the children came every morning, sat down on its edge, and"
        " talked about the islands that they would see one day. Their mothers called them in when"
        " it grew dark. In autumn the boat was gone, and nobody could say who had taken it.",
        6,
        30,
    ),
    CheckedText(
        "sad by numbers",
        "I wish that you could have been there.",
        5,
        30,
        VectorEmotion((0, 0, 0.7, 0, 0, 0, 0, 0)),
    ),
    CheckedText("Chinese", "今天天气很好，我们一起去公园散步，然后喝一杯茶。", 1.5, 12),
)
