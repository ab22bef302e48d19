"""What a person can choose about the engine. Importing this module imports no library."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """Choices that hold as long as the process runs.

    Args:
        checkpoints_dir: Folder of the weights; ``checkpoint_files`` names its layouts.
        hub_caches: Hub caches of the machine that may hold the weights too, most trusted first.
        baked_dir: Folder of the weights that came with the image; None where none did.
        device: ``cuda``, ``cuda:1``, ``cpu``; None takes a GPU if there is one.
        use_fp16: Lower precision where the device is made for it, see ``devices.Precision``.
        use_deepspeed: Accepted for older deployments and answered with a note.
        use_cuda_kernel: The vocoder's fused kernel, on CUDA with a compiler.
        use_cuda_graphs: Capture decoding steps as CUDA graphs and replay them, on CUDA.
        max_tokens_per_segment: Text tokens of a segment, clamped to what the loaded model takes.
        segments_at_once: Largest number of segments of a request that share a batch.
        early_first_audio: Let audio leave before the first segment is decoded; it sounds a little
            different then, and the result has a note about it.
        cache_dir: Folder that keeps reference features between processes; None keeps them in memory
            only.
        use_grammars: Write out numbers and abbreviations where the package for it is installed.
    """

    checkpoints_dir: Path
    hub_caches: tuple[Path, ...] = ()
    baked_dir: Path | None = None
    device: str | None = None
    use_fp16: bool = False
    use_deepspeed: bool = False
    use_cuda_kernel: bool = False
    use_cuda_graphs: bool = True
    max_tokens_per_segment: int = 800
    segments_at_once: int = 16
    early_first_audio: bool = False
    cache_dir: Path | None = None
    use_grammars: bool = True
