"""Speak with OpenAI's client for Python: into a file, as events, and with an error.

Usage: ``pip install openai``, then ``python openai_python.py``. ``OPENAI_BASE_URL`` and
``OPENAI_API_KEY`` say where the server is, and its key.
"""

import base64
import json
import os
from pathlib import Path

import openai

client = openai.OpenAI(
    base_url=os.environ.get("OPENAI_BASE_URL", "http://localhost:8000/v1"),
    api_key=os.environ.get("OPENAI_API_KEY", "none"),
)
stream = client.audio.speech.with_streaming_response
MODEL, VOICE, TEXT = "indextts-2", "alloy", "Good morning. The kettle is on."

# The file grows while the speech is being spoken. extra_body has the fields that OpenAI lacks.
with stream.create(model=MODEL, voice=VOICE, input=TEXT, extra_body={"seed": 7}) as answer:
    answer.stream_to_file("morning.mp3")
    print("morning.mp3, seed", answer.headers["x-seed"])

# Each event is a line of its own; the audio of all of them is one file.
with (
    stream.create(model=MODEL, voice=VOICE, input=TEXT, stream_format="sse") as answer,
    Path("events.mp3").open("wb") as audio,
):
    for line in answer.iter_lines():
        if not line.startswith("data: "):
            continue
        event = json.loads(line.removeprefix("data: "))
        match event["type"]:
            case "speech.audio.chunk":
                print(f"{event['start']} s: {event['text']}")
            case "speech.audio.delta":
                audio.write(base64.b64decode(event["audio"]))
            case "speech.audio.done":
                print(event["usage"]["input_tokens"], "characters")
            case "speech.audio.error":
                raise RuntimeError(event["error"]["message"])

try:
    client.audio.speech.create(model=MODEL, voice="nobody", input=TEXT)
except openai.APIStatusError as error:
    print(f"{error.status_code} {error.code}, field {error.param}: {error.message}")
