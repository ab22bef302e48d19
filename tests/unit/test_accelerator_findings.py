"""What a machine's torch, driver and GPU mean, for machines that are written down here."""

import pytest

from adapters.indextts2.accelerator import Accelerator, Gpu
from adapters.indextts2.accelerator_findings import accelerator_findings
from application.ports.examination import Finding, Mark

CPU_BUILD = Accelerator("2.13.0+cpu", None)
CUDA_BUILD = Accelerator("2.13.0", "13.0")
SMALL, LARGE = Gpu("Tesla T4", 6_500_000_000), Gpu("NVIDIA H100", 85_000_000_000)


def found(
    accelerator: Accelerator,
    *,
    device: str = "cuda:0",
    use_fp16: bool = False,
    has_driver: bool = True,
) -> dict[str, Finding]:
    """Return the findings by their subjects."""
    return {
        finding.subject: finding
        for finding in accelerator_findings(
            accelerator,
            device=device,
            use_fp16=use_fp16,
            has_driver=has_driver,
            driver="580.65.06" if has_driver else "",
        )
    }


def with_gpus(*gpus: Gpu) -> Accelerator:
    return Accelerator("2.13.0", "13.0", gpus)


def test_a_gpu_that_fits_is_in_order() -> None:
    report = found(with_gpus(LARGE))

    assert {finding.mark for finding in report.values()} == {Mark.OK}
    assert report["torch"].found == "2.13.0, built for CUDA 13.0"
    assert report["GPU driver"].found == "580.65.06"
    assert report["GPU"].found.startswith("NVIDIA H100, 85.0 GB; float32 needs ")
    assert "(computed: " in report["GPU"].found


def test_a_gpu_that_is_too_small_for_the_precision_is_a_problem() -> None:
    assert found(with_gpus(SMALL))["GPU"].mark is Mark.PROBLEM
    assert "USE_FP16=true" in found(with_gpus(SMALL))["GPU"].advice[0]
    assert found(with_gpus(SMALL), use_fp16=True)["GPU"].mark is Mark.OK


def test_a_gpu_that_is_not_there_is_a_problem() -> None:
    gpu = found(with_gpus(LARGE), device="cuda:1")["GPU"]

    assert (gpu.mark, gpu.advice) == (Mark.PROBLEM, ("set DEVICE=cuda:0",))


def test_the_memory_is_that_of_the_gpu_of_the_settings() -> None:
    assert "Tesla T4" in found(with_gpus(LARGE, SMALL), device="cuda:1")["GPU"].found


@pytest.mark.parametrize(
    ("accelerator", "has_driver", "advice"),
    [
        (CUDA_BUILD, False, "use a machine with an NVIDIA GPU"),
        (CPU_BUILD, True, "install a torch that is built for CUDA"),
        (CUDA_BUILD, True, "install a driver for CUDA 13.0 or newer"),
    ],
    ids=["no driver", "a torch without CUDA", "a driver that is too old"],
)
def test_a_gpu_that_cannot_be_used_is_told_with_what_to_install(
    accelerator: Accelerator, has_driver: bool, advice: str
) -> None:
    driver = found(accelerator, has_driver=has_driver)["GPU driver"]

    assert driver.mark is Mark.PROBLEM
    assert driver.advice[0].startswith(advice)


def test_a_machine_without_gpu_is_no_problem_where_the_cpu_computes() -> None:
    report = found(CPU_BUILD, device="cpu", has_driver=False)

    assert report["GPU driver"] == Finding(subject="GPU driver", found="none", mark=Mark.NOTE)
    assert "GPU" not in report
