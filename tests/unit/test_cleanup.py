from application.cleanup import Cleanup
from tests.fakes.dated_files import DatedFiles

DAY_SECONDS = 86_400.0


def test_removes_files_that_were_written_more_than_so_many_days_ago() -> None:
    files = DatedFiles()
    files.files = {f"{day}.ogg": (day * DAY_SECONDS, 1) for day in range(3)}

    removed = Cleanup(files=files, keep_days=2, now=lambda: 3 * DAY_SECONDS).run()

    assert removed.count == 1
    assert set(files.files) == {"1.ogg", "2.ogg"}
