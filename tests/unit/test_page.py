import gzip

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from entrypoints.http.page import router
from tests.docs.pages import ROOT

FOLDER = ROOT / "entrypoints" / "http" / "page"
MOST_BYTES = 60_000


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    app.include_router(router())
    return TestClient(app)


def test_the_page_keeps_scripts_and_styles_to_its_own_files(client: TestClient) -> None:
    response = client.get("/")

    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'self'" in response.headers["Content-Security-Policy"]
    assert "<style" not in response.text
    assert " style=" not in response.text


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("page.css", "text/css; charset=utf-8"),
        ("page.js", "text/javascript; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ],
)
def test_a_file_has_its_type(client: TestClient, name: str, media_type: str) -> None:
    assert client.get(f"/page/{name}").headers["Content-Type"] == media_type


def test_a_file_that_the_browser_has_is_not_sent_again(client: TestClient) -> None:
    etag = client.get("/page/page.js").headers["ETag"]

    again = client.get("/page/page.js", headers={"If-None-Match": etag})

    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["none.js", "index.html", "..%2Fpage.py", "%2e%2e%2fapp.py"])
def test_no_other_file_is_sent(client: TestClient, name: str) -> None:
    assert client.get(f"/page/{name}").status_code == 404


def test_a_client_that_takes_no_compressed_content_gets_the_file_as_it_is(
    client: TestClient,
) -> None:
    response = client.get("/page/page.js", headers={"Accept-Encoding": "identity"})

    assert response.content == (FOLDER / "page.js").read_bytes()
    assert "Content-Encoding" not in response.headers


def test_the_page_is_small() -> None:
    sent = sum(len(gzip.compress(file.read_bytes())) for file in FOLDER.iterdir())

    assert sent < MOST_BYTES
