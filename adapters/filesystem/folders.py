"""The folders of the settings."""

from pathlib import Path

from domain.errors import StorageFailed


def make_folder(folder: Path) -> bool:
    """Make ``folder`` where none is, and return whether it did (a ``MakeFolder``).

    Raises:
        StorageFailed: it cannot be made.
    """
    try:
        if folder.is_dir():
            return False
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or "an unknown fault").lower()
        raise StorageFailed(
            f"the folder cannot be made ({reason}); mount a volume there, check its rights, or"
            " name another folder"
        ) from error
    return True
