"""Limits, keys and headers in front of the routes of an application."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from fastapi import FastAPI, Request
from starlette.routing import Mount
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from entrypoints.http.access import LoopbackHostCheck
from entrypoints.http.errors import BrokenOff, install_error_handlers
from entrypoints.http.guards import install_guards
from entrypoints.http.limits import MAX_BODY_BYTES, MAX_HEADERS, MAX_URL_BYTES, BodyLimits
from entrypoints.settings.http import HttpSettings

KEYS = "first-key,second-key"
PUBLIC = ("/", "/ping", "/page/page.js")
LISTS = ("/v1/models", "/v1/models/indextts-2", "/v1/audio/models", "/v1/audio/voices")
GUARDED = ("/health", "/metrics", "/openapi.json", "/v1/audio/voices/alice/recording")
WRITES = (
    ("POST", "/v1/audio/speech"),
    ("POST", "/v1/audio/voices"),
    ("DELETE", "/v1/audio/voices/alice"),
)
SPEECH = "/v1/audio/speech"


def application(**settings: Any) -> FastAPI:
    """Return an application that answers every route with the size of the body."""
    app = FastAPI(openapi_url=None)
    install_error_handlers(app)
    install_guards(app, HttpSettings(**settings))

    @app.get("/crash")
    def crash() -> None:
        raise ZeroDivisionError("a secret of the host")

    @app.api_route("/{path:path}", methods=["GET", "POST", "DELETE"])
    async def size(request: Request) -> int:
        return len(await request.body())

    return app


def client_of(app: Any) -> TestClient:
    return TestClient(app, base_url="http://localhost:8000", raise_server_exceptions=False)


@pytest.fixture(scope="module")
def client() -> TestClient:
    return client_of(application())


@pytest.fixture(scope="module")
def locked() -> TestClient:
    return client_of(application(api_keys=KEYS))


def code_of(answer: Any) -> str:
    error = answer.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    return str(error["code"])


@pytest.mark.parametrize("path", PUBLIC + LISTS)
def test_asks_for_no_key_at_public_routes(locked: TestClient, path: str) -> None:
    assert locked.get(path).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"), [*WRITES, *(("GET", path) for path in GUARDED), ("POST", "/v1/models")]
)
def test_asks_for_a_key_elsewhere(locked: TestClient, method: str, path: str) -> None:
    answer = locked.request(method, path)
    assert answer.status_code == 401
    assert code_of(answer) == "invalid_api_key"
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer first-key"},
        {"Authorization": "bearer second-key"},
        {"X-API-Key": "second-key"},
        {"X-API-Key": "first-key", "Authorization": "Bearer of-the-load-balancer"},
    ],
)
def test_takes_each_key_in_either_header(locked: TestClient, headers: dict[str, str]) -> None:
    assert locked.post(SPEECH, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer first-ke"},
        {"Authorization": "Bearer first-key,second-key"},
        {"Authorization": "Basic first-key"},
        {"Authorization": "Bearer "},
        {"X-API-Key": "clé".encode("latin-1")},
    ],
)
def test_refuses_a_wrong_key(locked: TestClient, headers: dict[str, Any]) -> None:
    assert locked.post(SPEECH, headers=headers).status_code == 401


def test_asks_for_a_key_at_the_lists_where_they_are_not_public() -> None:
    private = client_of(application(api_keys=KEYS, public_voice_list=False))
    assert {private.get(path).status_code for path in LISTS} == {401}


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:9000"])
def test_refuses_writes_of_other_origins(client: TestClient, origin: str) -> None:
    answer = client.post(SPEECH, headers={"Origin": origin})
    assert answer.status_code == 403
    assert code_of(answer) == "origin_not_allowed"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://localhost:8000"},
        {"Origin": "https://speech.example", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_takes_writes_of_its_own_page(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post(SPEECH, headers=headers).status_code == 200


def test_lets_browsers_call_from_allowed_origins_alone() -> None:
    app = client_of(application(cors_origins="https://app.example", api_keys=KEYS))
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}
    preflight = app.options(SPEECH, headers={"Origin": "https://app.example", **asked})
    assert preflight.headers["access-control-allow-origin"] == "https://app.example"
    refused = app.options(SPEECH, headers={"Origin": "https://evil.example", **asked})
    assert "access-control-allow-origin" not in refused.headers
    answer = app.post(SPEECH, headers={"Origin": "https://app.example", "X-API-Key": "first-key"})
    assert answer.status_code == 200
    assert "X-Seed" in answer.headers["access-control-expose-headers"]


def test_has_no_cors_by_default(client: TestClient) -> None:
    answer = client.get("/v1/models", headers={"Origin": "https://app.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]


def chunks(size_bytes: int) -> Iterator[bytes]:
    for _ in range(0, size_bytes, 2**20):
        yield bytes(2**20)


@pytest.mark.parametrize("content", [bytes(MAX_BODY_BYTES + 1), chunks(MAX_BODY_BYTES + 2**20)])
def test_refuses_a_body_that_is_too_large(client: TestClient, content: Any) -> None:
    answer = client.post(SPEECH, content=content)
    assert answer.status_code == 413
    assert code_of(answer) == "body_too_large"


def test_takes_the_largest_body(client: TestClient) -> None:
    assert client.post(SPEECH, content=chunks(MAX_BODY_BYTES)).json() == MAX_BODY_BYTES


def test_refuses_a_url_that_is_too_long(client: TestClient) -> None:
    answer = client.get("/v1/models?" + "x" * MAX_URL_BYTES)
    assert answer.status_code == 414
    assert code_of(answer) == "url_too_long"


@pytest.mark.parametrize(
    "headers", [{f"x-{number}": "" for number in range(MAX_HEADERS)}, {"x": "x" * 33_000}]
)
def test_refuses_too_many_headers(client: TestClient, headers: dict[str, str]) -> None:
    answer = client.get("/v1/models", headers=headers)
    assert answer.status_code == 431
    assert code_of(answer) == "headers_too_large"


def test_keeps_a_safe_request_id_and_no_other(client: TestClient) -> None:
    def id_for(given: str) -> str:
        return client.get("/ping", headers={"X-Request-Id": given}).headers["x-request-id"]

    assert id_for("caller-1.2_3") == "caller-1.2_3"
    assert {len(id_for(given)) for given in ("a b", "", "x" * 129, '{"a":1}')} == {32}


@pytest.mark.parametrize(("path", "level"), [("/ping", "debug"), ("/v1/models", "info")])
def test_logs_each_request_and_health_checks_below_the_usual_level(
    client: TestClient, path: str, level: str
) -> None:
    with capture_logs() as lines:
        client.get(path)
    assert [(line["event"], line["log_level"]) for line in lines] == [("request_ended", level)]


def test_protects_every_response(locked: TestClient) -> None:
    for path in ("/ping", "/page/page.js", "/health", "/crash"):
        headers = locked.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "microphone=(self)" in headers["permissions-policy"]
        assert headers["x-request-id"]


def test_tells_nothing_of_a_fault_but_where_its_log_is(client: TestClient) -> None:
    answer = client.get("/crash", headers={"X-Request-Id": "mine"})
    assert answer.status_code == 500
    assert answer.headers["x-should-retry"] == "false"
    assert "mine" in answer.text
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8000", 200),
        ("LOCALHOST", 200),
        ("127.0.0.1:1", 200),
        ("[::1]:8000", 200),
        ("evil.example:8000", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("192.168.1.5", 421),
        ("", 421),
        ("[::1", 421),
    ],
)
def test_on_loopback_takes_requests_to_loopback_alone(host: str, status: int) -> None:
    app = client_of(LoopbackHostCheck(application()))
    assert app.get("/ping", headers={"Host": host}).status_code == status


def test_answers_a_body_that_is_too_slow_so_that_no_client_repeats_it() -> None:
    sent: list[Any] = []
    pieces = [{"type": "http.request", "body": b"{", "more_body": True}]

    async def receive() -> Any:
        if pieces:
            return pieces.pop()
        return await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": SPEECH,
        "raw_path": SPEECH.encode(),
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
    }
    limited = BodyLimits(application(), seconds=0.01, linger_seconds=0.01)
    asyncio.run(limited(scope, receive, send))
    assert [message.get("status") for message in sent] == [408, None, None]
    assert (b"x-should-retry", b"false") in sent[0]["headers"]


def test_logs_no_fault_for_a_response_that_was_broken_off() -> None:
    app = application()

    async def begin_and_break_off(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        raise BrokenOff

    app.router.routes.insert(0, Mount("/broken", begin_and_break_off))
    with structlog.testing.capture_logs() as logged, pytest.raises(BrokenOff):
        TestClient(app, base_url="http://localhost:8000").get("/broken/off")
    assert [line["event"] for line in logged] == ["request_ended"]
