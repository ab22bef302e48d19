#!/bin/sh
# Plays a sentence while it is being spoken; ffplay comes with ffmpeg.
#
# Usage: play.sh
set -eu
base=${OPENAI_BASE_URL:-http://localhost:8000/v1}
key=${OPENAI_API_KEY:-none}

curl --silent --show-error --fail --no-buffer "$base/audio/speech" \
    -H "Authorization: Bearer $key" -H "Content-Type: application/json" \
    -d '{"input": "Good morning. The kettle is on.", "voice": "alloy"}' |
    ffplay -loglevel error -nodisp -autoexit -f mp3 -i -
