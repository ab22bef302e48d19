"""What is here of what IndexTTS-2 needs: torch, driver, GPU memory, model package, weights."""

from collections.abc import Iterator, Sequence

from adapters.indextts2.accelerator import driver_release, read_accelerator
from adapters.indextts2.accelerator_findings import accelerator_findings
from adapters.indextts2.checkpoint_files import NEEDED_FILES, REPOSITORIES, CheckpointFiles
from adapters.indextts2.devices import driver_is_present, expected_device
from adapters.indextts2.options import EngineOptions
from adapters.indextts2.own_program import Answer, run
from adapters.indextts2.package_origin import find_origin
from adapters.indextts2.upstream import EXTRA, NAME, missing_packages
from application.ports.examination import Finding, Mark

_PACKAGE = "model package"


class IndexTTS2Examination:
    """Examines what an engine with ``options`` needs; torch is not loaded into this process.

    Args:
        options: The choices that hold as long as the process runs.
        files: Where the weights are looked for.
    """

    def __init__(self, *, options: EngineOptions, files: CheckpointFiles) -> None:
        self._options = options
        self._files = files

    def examine(self) -> Sequence[Finding]:
        missing = missing_packages()
        if missing:
            packages = [_not_installed(name) for name in missing]
            return [*packages, *self._weights()]
        answer = run("adapters.indextts2.accelerator")
        return [*self._accelerator(answer), *_package(answer), *self._weights()]

    def look(self) -> Sequence[Finding]:
        missing = missing_packages()
        found = (
            f"not installed: {', '.join(missing)}"
            if missing
            else f"{find_origin(NAME)}, not imported"
        )
        return [
            Finding(
                subject=_PACKAGE,
                found=f"{found}; not needed here",
                mark=Mark.NOTE,
                extras=(EXTRA,) if missing else (),
            )
        ]

    def _accelerator(self, answer: Answer) -> Iterator[Finding]:
        try:
            found = read_accelerator(answer.output)
        except (ValueError, KeyError, TypeError):
            yield Finding(
                subject="torch",
                found=f"does not import: {answer.reason}",
                mark=Mark.PROBLEM,
                extras=(EXTRA,),
            )
            return
        yield from accelerator_findings(
            found,
            device=expected_device(self._options.device),
            use_fp16=self._options.use_fp16,
            has_driver=driver_is_present(),
            driver=driver_release(),
        )

    def _weights(self) -> Iterator[Finding]:
        missing = set(self._files.missing_files())
        for repository in REPOSITORIES:
            lost = [
                file.path
                for file in NEEDED_FILES
                if file.repository == repository and file.required and file.label in missing
            ]
            folder = self._files.folder(repository)
            yield Finding(
                subject=f"weights {repository}",
                found=f"missing: {', '.join(lost)}" if lost else f"complete in {folder}",
                mark=Mark.PROBLEM if lost else Mark.OK,
                advice=("run indextts-runpod download",) if lost else (),
            )


def _not_installed(name: str) -> Finding:
    return Finding(
        subject=_PACKAGE if name == NAME else name,
        found="not installed; the engine indextts2 needs it",
        mark=Mark.PROBLEM,
        extras=(EXTRA,),
    )


def _package(answer: Answer) -> Iterator[Finding]:
    if answer.status == 0:
        yield Finding(subject=_PACKAGE, found=f"{find_origin(NAME)}, imports")
    elif answer.output:  # without torch the package was not tried
        yield Finding(subject=_PACKAGE, found=answer.reason, mark=Mark.PROBLEM, extras=(EXTRA,))
