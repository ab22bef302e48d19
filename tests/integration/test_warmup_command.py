import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_warmup_reports_what_a_first_request_would_wait_for() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "entrypoints.cli", "warmup", "--json"],
        cwd=ROOT,
        env=os.environ | {"TTS_ENGINE": "preview"},
        capture_output=True,
        check=True,
        timeout=60,
    )
    report = json.loads(done.stdout)
    assert report["engine"] == "preview"
    assert 0 < report["load"] < report["first_audio"] <= report["load"] + report["synthesis"] + 1
    assert report["duration"] > 1
