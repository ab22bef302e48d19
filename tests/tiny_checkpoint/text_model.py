"""A SentencePiece model of 120 pieces, upper case as IndexTTS-2's own is."""

import io
from pathlib import Path

import sentencepiece

_SENTENCES = (
    "HELLO WORLD , THIS IS A TINY TEST OF THE SPEECH SERVICE .",
    "THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG !",
    "PACK MY BOX WITH FIVE DOZEN LIQUOR JUGS ?",
    "SENTENCES ARE SPLIT INTO SEGMENTS - AND EVERY SEGMENT IS SPOKEN .",
    "IT 'S 0 1 2 3 4 5 6 7 8 9 O CLOCK",
    "你 好 世 界 , 这 是 一 个 测 试 。",
)


def write_text_model(path: Path) -> None:
    """Train on six sentences; control ids as IndexTTS-2 has them."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.Train(
        sentence_iterator=iter(_SENTENCES * 4),
        model_writer=model,
        model_type="bpe",
        vocab_size=120,
        character_coverage=1.0,
        bos_id=0,
        eos_id=1,
        unk_id=2,
        pad_id=-1,
        num_threads=1,
        minloglevel=2,
    )
    path.write_bytes(model.getvalue())
