"""A program that uses the client of RunPod's SDK and prints the answers as one JSON object.

It first prints the id of the job that it will cancel, and cancels it after a line on standard
input: the SDK's worker drops an order to stop a job that its handler does not have yet.
"""

import json

import runpod

from tests.loopback.runpod_queue import ENDPOINT, KEY

endpoint = runpod.Endpoint(ENDPOINT, api_key=KEY)
stored = endpoint.run({"text": "Stored by a client."})
waiting = endpoint.run({"text": "FOREVER silent."})
print(waiting.job_id, flush=True)
input()
found = {
    "run": stored.output(timeout=30),
    "status": stored.status(),
    "cancelled": waiting.cancel(),
    "stream": list(endpoint.run({"text": "Streamed to a client.", "stream": True}).stream()),
    "run_sync": endpoint.run_sync({"action": "list_voices"}, timeout=30),
    "health": endpoint.health(),
}
print(json.dumps(found))
