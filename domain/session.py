"""Names that stand for a job's stored object."""

import re

SESSION_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"
"""Safe as a file name, as an object's key and in a URL."""


def is_session_id(name: str) -> bool:
    """Whether ``name`` can name a stored object."""
    return re.fullmatch(SESSION_PATTERN, name) is not None
