"""Values of an S3 connection that a person gives: an endpoint's URL, a key."""

import re
from urllib.parse import urlsplit

from pydantic import SecretStr

_KEY = re.compile(r"[\x21-\x7e]*")


def plain_endpoint(value: str, *, bucket: str) -> str:
    """Return the service's URL without the bucket, which RunPod's own examples add to it.

    Raises:
        ValueError: it is no plain URL; nothing of ``value`` is shown, for it may hold a password.
    """
    try:
        url = urlsplit(value.strip())
        has_host = bool(url.hostname) and url.port != 0
    except ValueError:
        has_host = False
    if not has_host or url.scheme not in ("http", "https"):
        raise ValueError("must be a URL that begins with https:// or http:// and names a host")
    if "@" in url.netloc or url.query or url.fragment:
        raise ValueError("must be a URL without user name, password, ? and #")
    host = url.netloc
    if host.startswith((f"{bucket}.s3.", f"{bucket}.s3-")):
        host = host.removeprefix(f"{bucket}.")
    path = url.path.rstrip("/").removesuffix(f"/{bucket}") if bucket else url.path.rstrip("/")
    return f"{url.scheme}://{host}{path}"


def usable_key(value: SecretStr) -> SecretStr:
    """Return a key, or a key's id, without the line break that a pasted one may end with.

    Raises:
        ValueError: no header can carry it; it is not shown.
    """
    key = value.get_secret_value().strip()
    if not _KEY.fullmatch(key):
        raise ValueError("must be printable ASCII characters without spaces")
    return SecretStr(key)
