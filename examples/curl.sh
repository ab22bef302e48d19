#!/bin/sh
# Speaks into a file that grows while the speech is being spoken. With a recording and a name it adds
# that voice first, and speaks with it.
#
# Usage: curl.sh [RECORDING NAME]
set -eu
base=${OPENAI_BASE_URL:-http://localhost:8000/v1}
key=${OPENAI_API_KEY:-none}
voice=alloy

# consent=true says that the person whose voice it is agrees.
if [ $# = 2 ]; then
    curl --silent --show-error --fail-with-body "$base/audio/voices" -H "Authorization: Bearer $key" \
        -F consent=true -F "name=$2" -F "audio_sample=@$1"
    voice=$2
fi

curl --silent --show-error --fail-with-body --no-buffer "$base/audio/speech" \
    -H "Authorization: Bearer $key" -H "Content-Type: application/json" \
    -d "{\"input\": \"Good morning. The kettle is on.\", \"voice\": \"$voice\"}" -o morning.mp3
