"""The page of metrics names what the server tells."""

import re
from pathlib import Path

from entrypoints.http.metrics import SpeechMetrics

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"


def test_every_metric_is_on_the_page_and_no_other() -> None:
    told = {metric.name for metric in SpeechMetrics(engine="any").registry.collect()}
    on_page = set(re.findall(r"^\| `(\w+)`", PAGE.read_text(), re.MULTILINE))
    assert on_page == {name for name in told if not name.startswith(("process_", "python_"))}
