"""A program that uses the client of RunPod's SDK and prints the answers as one JSON object."""

import json

import runpod

from tests.loopback.runpod_queue import ENDPOINT, KEY

endpoint = runpod.Endpoint(ENDPOINT, api_key=KEY)
stored = endpoint.run({"text": "Stored by a client."})
waiting = endpoint.run({"text": "FOREVER silent."})
found = {
    "run": stored.output(timeout=30),
    "status": stored.status(),
    "cancelled": waiting.cancel(),
    "stream": list(endpoint.run({"text": "Streamed to a client.", "stream": True}).stream()),
    "run_sync": endpoint.run_sync({"action": "list_voices"}, timeout=30),
    "health": endpoint.health(),
}
print(json.dumps(found))
