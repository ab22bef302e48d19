"""Recordings fetched from public hosts that the operator allows."""

from collections.abc import Collection
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import TYPE_CHECKING, cast
from urllib.parse import urljoin

import structlog

from adapters.web.connection import Connector
from adapters.web.deadline import Deadline, TimedSocket
from adapters.web.target import Refused, Target, target_of
from application.ports.links import LONGEST_FETCH_SECONDS, not_fetched
from domain.recording_limits import MOST_SENT_BYTES
from domain.voice_choice import LinkedRecording

if TYPE_CHECKING:
    import socket

log = structlog.get_logger()

MOST_REDIRECTS = 3
"""Download services redirect once or twice."""

_REDIRECTS = (301, 302, 303, 307, 308)
_READ_BYTES = 64 * 1024
_HEADERS = {
    "Accept": "audio/*, */*;q=0.1",
    "Accept-Encoding": "identity",  # what is unpacked could have any size
    "Connection": "close",
    "User-Agent": "indextts-runpod",
}


class WebRecordings:
    """Fetches recordings by https, and gives one answer to all that it does not fetch.

    A redirect is followed only where it leads to an allowed host with public addresses again.

    Args:
        hosts: The allowed hosts, as ``target_of`` takes them; none allows no URL at all.
        connector: Connects to hosts.
        seconds: Longest time for a recording, look-ups and redirects included.
    """

    def __init__(
        self,
        *,
        hosts: Collection[str],
        connector: Connector | None = None,
        seconds: float = LONGEST_FETCH_SECONDS,
    ) -> None:
        self._hosts = hosts
        self._connector = connector or Connector()
        self._seconds = seconds

    def fetch(self, link: LinkedRecording) -> bytes:
        """Implement ``RecordingLinks.fetch``, and log the reason of a refusal.

        Raises:
            BadReference: the recording is not fetched.
        """
        try:
            return self._fetched(link.url, Deadline(self._seconds))
        except (Refused, HTTPException, OSError, ValueError) as error:
            reason = str(error) if isinstance(error, Refused) else type(error).__name__
            log.warning("recording_not_fetched", field=link.sent_as, reason=reason)
            raise not_fetched(link) from error

    def _fetched(self, url: str, deadline: Deadline) -> bytes:
        for _ in range(MOST_REDIRECTS + 1):
            target = target_of(url, hosts=self._hosts)
            with self._connector.connection(target.host, deadline) as connected:
                response = _answer(target, TimedSocket(connected, deadline))
                if response.status not in _REDIRECTS:
                    return _content(response)
                url = urljoin(url, response.headers.get("Location", ""))
        raise Refused("there are more than three redirects")


def _answer(target: Target, connected: TimedSocket) -> HTTPResponse:
    connection = HTTPConnection(target.host)
    connection.sock = cast("socket.socket", connected)
    connection.auto_open = 0  # it would look the name up again
    connection.request("GET", target.path, headers=_HEADERS)
    return connection.getresponse()


def _content(response: HTTPResponse) -> bytes:
    """Return the body of a good answer, complete and not too large.

    Raises:
        Refused: the answer is another one.
    """
    if response.status != HTTPStatus.OK:
        raise Refused(f"the host answers {response.status}")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise Refused("the host compresses its answer")
    if (response.length or 0) > MOST_SENT_BYTES:
        raise Refused("the recording is too large")
    content = bytearray()
    while part := response.read(_READ_BYTES):
        content += part
        if len(content) > MOST_SENT_BYTES:
            raise Refused("the recording is too large")
    if response.length:
        raise Refused("the answer ends too early")
    return bytes(content)
