"""Names of hosts, in the one form in which they can be compared."""

import re

ANY_HOST = "*"
"""Stands for every name in a list of allowed hosts."""

_LONGEST_NAME = 253
"""Characters that DNS allows."""

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_LAST_LABEL = re.compile(r"[a-z].*")
"""An address in any of its forms (127.0.0.1, 2130706433, 0x7f.1) ends with a number."""


def host_name(text: str) -> str | None:
    """Return ``text`` as the name that is looked up, in ASCII and small letters.

    None where it is no name of a host; an address is none.
    """
    try:
        name = text.encode("idna").decode().lower().removesuffix(".")
    except UnicodeError:
        return None
    labels = name.split(".")
    is_name = len(name) <= _LONGEST_NAME and all(_LABEL.fullmatch(label) for label in labels)
    return name if is_name and _LAST_LABEL.fullmatch(labels[-1]) else None
