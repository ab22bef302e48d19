"""The page at ``/``: files of this package, sent with the headers that keep a page to itself."""

import gzip
import hashlib
from dataclasses import dataclass
from importlib.resources import files

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

_INDEX = "index.html"

_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
        " object-src 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file of the page, plain and compressed, with its media type and its entity tag."""

    content: bytes
    compressed: bytes
    media_type: str
    etag: str

    def response(self, request: Request) -> Response:
        """Return the file, or 304 where the browser has it already."""
        headers = _HEADERS | {"ETag": self.etag}
        known = request.headers.get("If-None-Match", "")
        if self.etag in (tag.strip() for tag in known.split(",")):
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            headers |= {"Content-Encoding": "gzip"}
            return Response(self.compressed, media_type=self.media_type, headers=headers)
        return Response(self.content, media_type=self.media_type, headers=headers)


def router() -> APIRouter:
    """Return the routes of the page: ``/``, and ``/page/{file}`` for what it loads."""
    routes = APIRouter(include_in_schema=False)
    page = _page_files()

    @routes.api_route("/", methods=["GET", "HEAD"])
    async def index(request: Request) -> Response:
        return page[_INDEX].response(request)

    @routes.api_route("/page/{name}", methods=["GET", "HEAD"])
    async def file(name: str, request: Request) -> Response:
        if name not in page or name == _INDEX:
            raise HTTPException(404)
        return page[name].response(request)

    return routes


def _page_files() -> dict[str, PageFile]:
    """Return the files by their names; they are read once, so that a name is never a path."""
    found = {}
    for file in files("entrypoints.http").joinpath("page").iterdir():
        ending = file.name[file.name.rfind(".") :]
        if ending in _TYPES:
            content = file.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            found[file.name] = PageFile(
                content=content,
                compressed=gzip.compress(content, mtime=0),
                media_type=_TYPES[ending],
                etag=f'W/"{digest[:32]}"',  # weak: plain and compressed share it
            )
    return found
