"""The model modules of the ``indextts`` package, without the package's ``__init__``.

That ``__init__`` imports torchaudio and more that is not used here. So the modules are imported
below an empty parent, which is removed afterwards: a later ``import indextts`` by other code runs
the real ``__init__``. The package may be ``indextts2-inference``, the original index-tts or a fork
of either; ``stand_ins`` tells what becomes of imports that fail.

``python -m adapters.indextts2.upstream`` imports the classes as the engine does, and prints which
package they come from. Its exit status is 1, with one line on standard error, where that fails.
"""

import importlib
import importlib.machinery
import importlib.util
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from adapters.indextts2.package_origin import find_origin
from adapters.indextts2.stand_ins import lenient_imports
from domain.errors import ModelUnavailable, SpeechError

NAME = "indextts"
EXTRA = "indextts"
"""The extra of this product that installs the needed packages."""
NEEDED_PACKAGES = (
    "torch",
    "transformers",
    NAME,
    "einops",
    "munch",
    "safetensors",
    "scipy",
    "sentencepiece",
    "soxr",
    "yaml",
)

_COPIED_FROM_TRANSFORMERS = (f"{NAME}.gpt.transformers_",)
"""How the names of modules begin that the original repository copied from transformers 4.52. They
generate codes, as the engine does itself, and do not import beside a later transformers."""
_IMPORTED_BY_CONSTRUCTORS = ("s2mel.modules.flow_matching", "s2mel.modules.length_regulator")
_importing = threading.Lock()


@dataclass(frozen=True, slots=True)
class ModelClasses:
    """The package's classes that the engine builds its networks from."""

    language_model: type[Any]
    mel_decoder: type[Any]
    speaker_encoder: type[Any]
    semantic_codec: type[Any]
    vocoder: type[Any]
    vocoder_settings: type[Any]
    normalizer: type[Any]
    tokenizer: type[Any]


def missing_packages() -> tuple[str, ...]:
    """Return the needed packages that are not installed, without importing any."""
    return tuple(name for name in NEEDED_PACKAGES if not _is_installed(name))


@contextmanager
def bare_package() -> Iterator[None]:
    """Make ``indextts.x.y`` importable inside the block without running ``indextts/__init__``.

    It also silences the deprecation warnings of the libraries below it, which cannot be mended
    here.

    Raises:
        ModuleNotFoundError: the package is not installed.
    """
    with _importing, warnings.catch_warnings(), _leniently():
        warnings.simplefilter("ignore")
        if NAME in sys.modules:
            yield
            return
        sys.modules[NAME] = _bare_parent()
        try:
            yield
        finally:
            del sys.modules[NAME]


def import_model_classes() -> ModelClasses:
    """Import the package's model modules; call it inside ``bare_package``.

    Raises:
        ModelUnavailable: a module does not import, or transformers finds a torchaudio that does not
            load.
    """
    _require_transformers_audio()
    try:
        classes = _model_classes()
        for module in _IMPORTED_BY_CONSTRUCTORS:
            importlib.import_module(f"{NAME}.{module}")
    except SpeechError:
        raise
    except Exception as error:
        raise ModelUnavailable(
            f"the model's package, {find_origin(NAME).name}, does not import ({_reason(error)});"
            " install a release of it that fits, or see python -m adapters.indextts2.upstream"
        ) from error
    return classes


def _model_classes() -> ModelClasses:
    return ModelClasses(
        language_model=_of("gpt.model_v2", "UnifiedVoice"),
        mel_decoder=_of("s2mel.modules.commons", "MyModel"),
        speaker_encoder=_of("s2mel.modules.campplus.DTDNN", "CAMPPlus"),
        semantic_codec=_of("utils.maskgct.models.codec.kmeans.repcodec_model", "RepCodec"),
        vocoder=_of("s2mel.modules.bigvgan.bigvgan", "BigVGAN"),
        vocoder_settings=_of("s2mel.modules.bigvgan.env", "AttrDict"),
        normalizer=_of("utils.front", "TextNormalizer"),
        tokenizer=_of("utils.front", "TextTokenizer"),
    )


def _leniently() -> AbstractContextManager[None]:
    return lenient_imports(NAME, unused=_COPIED_FROM_TRANSFORMERS)


def _require_transformers_audio() -> None:
    try:
        importlib.import_module("transformers.audio_utils")
    except OSError as error:  # a shared library of the wrong build
        raise ModelUnavailable(
            "torchaudio is installed but does not load, and transformers insists on it;"
            " uninstall torchaudio, or install the build that matches torch"
        ) from error


def _of(module: str, name: str) -> type[Any]:
    found = getattr(importlib.import_module(f"{NAME}.{module}"), name, None)
    if not isinstance(found, type):
        place = f"{NAME}.{module}"
        raise ImportError(f"there is no class {name} in {place}", name=place)  # noqa: TRY004 - as an import
    return found


def _reason(error: Exception) -> str:
    """Return the kind of ``error`` and the module that it names, without a path of this machine."""
    module = getattr(error, "name", None)
    return f"{type(error).__name__}: {module}" if module else type(error).__name__


def _bare_parent() -> ModuleType:
    spec = importlib.util.find_spec(NAME)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(f"No module named {NAME!r}", name=NAME)
    parent = ModuleType(NAME)
    parent.__path__ = list(spec.submodule_search_locations)
    parent.__spec__ = importlib.machinery.ModuleSpec(NAME, None, is_package=True)
    parent.__spec__.submodule_search_locations = parent.__path__
    return parent


def _is_installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ValueError:  # a module that a program put into sys.modules has no spec
        return True


def main() -> int:
    """Print which package the model's classes come from, or why they cannot be imported."""
    try:
        with bare_package():
            import_model_classes()
    except (SpeechError, ImportError) as error:
        cause = error.__cause__ or error
        words = f"{type(cause).__name__}: {cause}".replace("\n", " ")
        print(f"{find_origin(NAME)} cannot be used: {words}", file=sys.stderr)  # noqa: T201 - a program
        return 1
    print(f"the model's classes come from {find_origin(NAME)}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
