"""The model modules of the ``indextts`` package, without the package's ``__init__``.

That ``__init__`` imports torchaudio and more that is not used here. So the modules are imported
below an empty parent, which is removed afterwards: a later ``import indextts`` by other code runs
the real ``__init__``.
"""

import builtins
import importlib
import importlib.machinery
import importlib.util
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from domain.errors import ModelUnavailable

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

_CODEC = f"{NAME}.utils.maskgct.models.codec.kmeans"
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
    with _importing, warnings.catch_warnings():
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
        ImportError: a module is missing or does not import.
        ModelUnavailable: transformers finds a torchaudio that does not load.
    """
    _require_transformers_audio()
    _import_codec_backbone()
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


def _require_transformers_audio() -> None:
    try:
        importlib.import_module("transformers.audio_utils")
    except OSError as error:  # a shared library of the wrong build
        raise ModelUnavailable(
            "torchaudio is installed but does not load, and transformers insists on it;"
            " uninstall torchaudio, or install the build that matches torch"
        ) from error


def _of(module: str, name: str) -> type[Any]:
    found: type[Any] = getattr(importlib.import_module(f"{NAME}.{module}"), name)
    return found


def _bare_parent() -> ModuleType:
    spec = importlib.util.find_spec(NAME)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(f"No module named {NAME!r}", name=NAME)
    parent = ModuleType(NAME)
    parent.__path__ = list(spec.submodule_search_locations)
    parent.__spec__ = importlib.machinery.ModuleSpec(NAME, None, is_package=True)
    return parent


def _import_codec_backbone() -> None:
    """Import the codec's backbone although it imports two unused functions of torchaudio.

    The module is run with an ``__import__`` of its own that returns an empty torchaudio, so that
    neither torchaudio nor a replacement ever enters ``sys.modules``.
    """
    name = f"{_CODEC}.vocos"
    if name in sys.modules:
        return
    importlib.import_module(f"{NAME}.utils")
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=NAME)
    module = importlib.util.module_from_spec(spec)
    vars(module)["__builtins__"] = {**vars(builtins), "__import__": _import_without_torchaudio}
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise


def _import_without_torchaudio(
    name: str,
    globals: Mapping[str, object] | None = None,  # noqa: A002 - __import__'s own names
    locals: Mapping[str, object] | None = None,  # noqa: A002
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> ModuleType:
    if name.partition(".")[0] == "torchaudio":
        empty = ModuleType(name)
        for attribute in fromlist or ():
            setattr(empty, attribute, None)
        return empty
    return __import__(name, globals, locals, fromlist or (), level)


def _is_installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ValueError:  # a module that a program put into sys.modules has no spec
        return True
