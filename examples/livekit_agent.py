"""Speech of a LiveKit agent; the rest of the session is as you have it.

Usage: ``pip install livekit-agents livekit-plugins-openai``, then pass ``tts`` to ``AgentSession``.
"""

import os

from livekit.plugins import openai

tts = openai.TTS(
    base_url=os.environ.get("TTS_BASE_URL", "http://localhost:8000/v1"),
    api_key=os.environ.get("TTS_API_KEY", "none"),
    model="gpt-4o-mini-tts",
    voice="alloy",
    instructions="calm and friendly",
)
