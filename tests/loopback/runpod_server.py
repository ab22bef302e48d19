"""The HTTP interface of the loopback queue: paths and statuses as RunPod's SDK expects them."""

import json
import re
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from tests.loopback.runpod_queue import JobQueue

DROPPED = 0
"""A status that closes the connection without an answer."""

_PATH = re.compile(r"/v2/[^/]+/(?P<verb>[a-z-]+)(?:/(?P<first>[^/?]+))?(?:/(?P<second>[^/?]+))?")


class QueueServer(ThreadingHTTPServer):
    """Listens on a free port of the loopback."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, queue: "JobQueue") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.queue = queue


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def queue(self) -> "JobQueue":
        return cast("QueueServer", self.server).queue

    def do_GET(self) -> None:
        verb, first, _ = self._path()
        query = self.path.partition("?")[2]
        asked = dict(part.partition("=")[::2] for part in query.split("&") if part)
        if verb == "job-take":
            jobs = self.queue.take(1)
            self._answer(200, jobs[0]) if jobs else self._answer(HTTPStatus.NO_CONTENT, None)
        elif verb == "job-take-batch":
            self._answer(200, self.queue.take(int(asked["batch_size"])))
        elif verb == "job-stop":
            self._answer(200, {"jobsToStop": self.queue.jobs_to_stop()})
        elif verb == "ping":
            self.queue.ping(asked)
            self._answer(200, {})
        else:
            self._answer(*self.queue.answer_client("GET", verb, first, None))

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        verb, first, second = self._path()
        if verb in ("job-stream", "job-done"):
            key = self.headers.get("Authorization", "")
            self._answer(self.queue.receive(verb, second, raw, key), {})
        else:
            body = json.loads(raw) if raw else None
            self._answer(*self.queue.answer_client("POST", verb, first, body))

    def _path(self) -> tuple[str, str, str]:
        match = _PATH.match(self.path)
        verb, first, second = match.groups(default="") if match else ("", "", "")
        return verb, first, second

    def _answer(self, status: int, body: Any) -> None:
        if status == DROPPED:
            self.close_connection = True
            return
        content = b"" if status == HTTPStatus.NO_CONTENT else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Print nothing: the queue records every request."""
