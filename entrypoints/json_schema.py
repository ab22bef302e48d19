"""JSON Schemas of jobs and their answers: ``python -m entrypoints.json_schema [FOLDER]``."""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from entrypoints.health import Health
from entrypoints.results import (
    Answer,
    BatchResult,
    InlineResult,
    Progress,
    SentPiece,
    StreamEnd,
    StreamPiece,
    VoiceList,
)
from entrypoints.schemas import Question, SpeechInput

FOLDER = Path("docs/api")

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


_RESULTS: dict[str, type[Answer]] = {
    "batch_result": BatchResult,
    "progress": Progress,
    "inline_result": InlineResult,
    "stream_piece": StreamPiece,
    "sent_piece": SentPiece,
    "stream_end": StreamEnd,
    "health": Health,
    "voice_list": VoiceList,
}


def schemas() -> dict[str, dict[str, Any]]:
    """Return the schema of a job's input and of each object that a job yields, by file name."""
    job_input: TypeAdapter[SpeechInput | Question] = TypeAdapter(SpeechInput | Question)
    found = {"input": job_input.json_schema()} | {
        name: kind.model_json_schema(mode="serialization") for name, kind in _RESULTS.items()
    }
    return {f"{name}.json": {"$schema": _DIALECT} | schema for name, schema in found.items()}


def render(schema: dict[str, Any]) -> str:
    """Return the text of a schema's file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the schemas into the folder that the first argument names, else into ``FOLDER``."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas().items():
        (folder / name).write_text(render(schema))


if __name__ == "__main__":
    main()
