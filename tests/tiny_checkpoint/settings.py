"""Settings of an engine on the tiny checkpoint."""

from pathlib import Path


def engine_settings(checkpoint: Path) -> dict[str, str]:
    """Return the environment variables for the engine on a CPU, without a network."""
    return {
        "TTS_ENGINE": "indextts2",
        "DEVICE": "cpu",
        "CHECKPOINTS_DIR": str(checkpoint),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",  # tensors this small are done before a second thread has started
    }
