"""A Hugging Face hub on the loopback: the requests that its client library sends, and failures.

Large files are redirected to a second server, as the real hub redirects them to its file server;
the second server must never get a token.
"""

import hashlib
import json
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

LARGE_BYTES = 1_000
"""From this length on a file is in LFS, and redirected."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request for a file's bytes that got some of them."""

    name: str
    range: str | None


@dataclass
class LoopbackHub:
    """Stands in for the hub; everything may be changed between requests.

    ``repositories``: files by name, for each ``ORG/NAME``.
    ``cuts``: for each file, after how many bytes to drop the connection, one for each request.
    ``stalls``: for each file, after how many bytes the answer pauses until the entry is removed.
    ``refusals``: for each name (of a repository or a file), the status of the next answers.
    ``corrupted``: files that arrive with one byte changed.
    ``forced_sizes``: lengths that the listing gives instead of the true ones.
    ``strange``: paths that were requested and are neither listings nor files.
    ``gate``: no byte of a file leaves before it is open.
    """

    repositories: dict[str, dict[str, bytes]]
    token: str = ""
    cuts: dict[str, list[int]] = field(default_factory=dict)
    stalls: dict[str, int] = field(default_factory=dict)
    refusals: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    corrupted: set[str] = field(default_factory=set)
    forced_sizes: dict[str, int] = field(default_factory=dict)
    ignores_ranges: bool = False
    gate: threading.Event = field(default_factory=threading.Event)
    asked: list[Asked] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    user_agents: set[str] = field(default_factory=set)
    tokens_at_file_server: set[str] = field(default_factory=set)
    endpoint: str = ""
    file_server: str = ""

    def commit(self, repository: str) -> str:
        """Return the hash of the newest commit, which depends on the files."""
        files = sorted(self.repositories[repository].items())
        return hashlib.sha1(repr(files).encode()).hexdigest()

    def names(self) -> list[str]:
        """Return the files whose bytes were requested, in order."""
        return [asked.name for asked in self.asked]

    @contextmanager
    def running(self) -> Iterator["LoopbackHub"]:
        """Serve for the duration of the block."""
        servers = [_Server(self, serves_files=serves_files) for serves_files in (False, True)]
        self.gate.set()
        self.endpoint, self.file_server = (f"http://127.0.0.1:{one.server_port}" for one in servers)
        threads = [threading.Thread(target=one.serve_forever, args=(0.02,)) for one in servers]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self.gate.set()
            self.stalls.clear()
            for server, thread in zip(servers, threads, strict=True):
                server.shutdown()
                thread.join()
                server.server_close()


class _Server(ThreadingHTTPServer):
    """The hub or, with ``serves_files``, the server of its large files."""

    def __init__(self, hub: LoopbackHub, *, serves_files: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hub = hub
        self.serves_files = serves_files

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that hang up, which is part of the tests; print other errors."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, *arguments: object) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        hub = self.server.hub
        path = unquote(urlsplit(self.path).path).strip("/")
        hub.user_agents.add(self.headers["User-Agent"])
        if self.server.serves_files:
            if token := self.headers.get("Authorization"):
                hub.tokens_at_file_server.add(token)
            repository, _, file = path.partition("//")
            self._content(repository, file)
        elif hub.token and self.headers.get("Authorization") != f"Bearer {hub.token}":
            self._answer(401, {"error": "Invalid username or password."})
        elif path.startswith("api/models/"):
            repository, _, revision = path.removeprefix("api/models/").partition("/revision/")
            self._listing(repository, revision)
        elif "/resolve/" not in path:
            hub.strange.append(path)
            self._answer(404, {"error": "no such page"})
        else:
            repository, _, rest = path.partition("/resolve/")
            self._resolve(repository, *rest.split("/", 1))

    def _listing(self, repository: str, revision: str) -> None:
        hub = self.server.hub
        if self._refused(repository):
            return
        if repository not in hub.repositories:
            self._answer(404, {"error": "no repository"}, {"X-Error-Code": "RepoNotFound"})
        elif revision not in ("main", hub.commit(repository)):
            self._answer(404, {"error": "no revision"}, {"X-Error-Code": "RevisionNotFound"})
        else:
            files = hub.repositories[repository].items()
            siblings = [self._sibling(repository, path, content) for path, content in files]
            known: dict[str, object] = {
                "id": repository,
                "sha": hub.commit(repository),
                "siblings": siblings,
            }
            self._answer(200, known)

    def _sibling(self, repository: str, path: str, content: bytes) -> dict[str, object]:
        hub = self.server.hub
        size = hub.forced_sizes.get(f"{repository}/{path}", len(content))
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        sibling: dict[str, object] = {"rfilename": path, "size": size, "blobId": blob}
        if len(content) >= LARGE_BYTES:
            sha256 = hashlib.sha256(content).hexdigest()
            sibling |= {"lfs": {"size": size, "sha256": sha256, "pointerSize": 130}}
            sibling["blobId"] = hashlib.sha1(sha256.encode()).hexdigest()
        return sibling

    def _resolve(self, repository: str, commit: str, path: str) -> None:
        hub = self.server.hub
        content = hub.repositories[repository].get(path)
        if self._refused(f"{repository}/{path}"):
            return
        if content is None or commit != hub.commit(repository):
            self._answer(404, {"error": "no entry"}, {"X-Error-Code": "EntryNotFound"})
        elif len(content) >= LARGE_BYTES:
            where = f"{hub.file_server}/{repository}//{path}"
            self._answer(302, {}, {"Location": where})
        else:
            self._content(repository, path)

    def _content(self, repository: str, path: str) -> None:
        hub = self.server.hub
        name = f"{repository}/{path}"
        content = hub.repositories[repository][path]
        asked = self.headers.get("Range")
        hub.asked.append(Asked(name, asked))
        hub.gate.wait()
        start = 0
        if asked and not hub.ignores_ranges:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        if name in hub.corrupted:
            content = content[:-1] + bytes([content[-1] ^ 1])
        body = content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if name in hub.stalls:
            self.wfile.write(body[: hub.stalls[name]])
            body = body[hub.stalls[name] :]
        while name in hub.stalls:
            time.sleep(0.01)
        cuts = hub.cuts.get(name)
        self.wfile.write(body[: cuts[0]] if cuts else body)
        if cuts:
            cuts.pop(0)
            self.close_connection = True

    def _refused(self, name: str) -> bool:
        hub = self.server.hub
        if not hub.refusals[name]:
            return False
        self._answer(hub.refusals[name].pop(0), {"error": "not now"})
        return True

    def _answer(
        self, status: int, body: dict[str, object], headers: dict[str, str] | None = None
    ) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
