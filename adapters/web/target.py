"""What a URL asks for, if its form and its host are allowed."""

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from domain.host_name import ANY_HOST, host_name

PORT = 443
"""The only port: on others, public addresses too have services that are meant for few."""

_LONGEST_URL = 8_192
"""Characters: signed URLs of object stores have up to about 3 000."""

_KEPT_IN_PATH = "/%:@!$&'()*+,;=~?[]"


class Refused(Exception):
    """The recording is not fetched; the message is for the operator's log alone."""


@dataclass(frozen=True, slots=True)
class Target:
    """A host by its name, and the path and query that are asked of it."""

    host: str
    path: str


def target_of(url: str, *, hosts: Collection[str]) -> Target:
    """Return the target of ``url``.

    ``hosts`` are the allowed names, as ``host_name`` returns them; ``ANY_HOST`` allows every name.

    Raises:
        Refused: it is no https URL of an allowed host, or has a port or a user name.
    """
    if len(url) > _LONGEST_URL or not url.isprintable() or " " in url:
        raise Refused("the URL is too long or has spaces or control characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Refused("the URL cannot be parsed") from error
    if parts.scheme != "https":
        raise Refused("the URL is not https")
    if "@" in parts.netloc:
        raise Refused("the URL has a user name")
    if port not in (None, PORT):
        raise Refused("the URL has another port than 443")
    host = host_name(parts.hostname or "")
    if host is None:
        raise Refused("the URL has no host name")
    if host not in hosts and ANY_HOST not in hosts:
        raise Refused(f"{host} is not among the allowed hosts")
    path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    return Target(host, quote(path, safe=_KEPT_IN_PATH))
