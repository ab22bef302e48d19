from application.cleanup import Cleanup
from application.ports.storage import RemovedFiles


class DatedFiles:
    """Files known by the moment they were written."""

    def __init__(self, *moments: float) -> None:
        self.moments = list(moments)

    def remove_before(self, moment: float) -> RemovedFiles:
        old = [written for written in self.moments if written < moment]
        self.moments = [written for written in self.moments if written >= moment]
        return RemovedFiles(count=len(old), size_bytes=len(old))


def test_files_are_kept_for_so_many_days() -> None:
    files = DatedFiles(0.0, 86_400.0, 2 * 86_400.0)

    removed = Cleanup(files=files, keep_days=2, now=lambda: 3 * 86_400.0).run()

    assert removed.count == 1
    assert files.moments == [86_400.0, 2 * 86_400.0]
