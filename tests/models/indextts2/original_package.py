"""The installed model package in the layout of the original index-tts, made while a test runs.

Re-made are the statements that do not import beside the product's libraries, each where the
original repository has it, and the names of its text normaliser.
"""

import importlib.util
import shutil
from pathlib import Path

_GENERATION = """
from transformers.cache_utils import OffloadedCache

class GenerationMixin(OffloadedCache):
    pass
"""
_GPT2 = """
from indextts.gpt.transformers_generation_utils import GenerationMixin

class GPT2PreTrainedModel(GenerationMixin):
    pass

class GPT2Model(GPT2PreTrainedModel):
    pass
"""
_DAC = """
import audiotools

audiotools.ml.BaseModel.INTERN += ["dac.**"]

class DAC(audiotools.ml.BaseModel):
    def compress(self, path: audiotools.AudioSignal | str) -> "DAC":
        return self
"""
_TOKENIZER = """
import tiktoken
from whisper.tokenizer import Tokenizer

LANGUAGE_DICT = {}
"""
_CHANGES = {
    "gpt/model_v2.py": {
        "from transformers import GenerationMixin, GPT2Config, GPT2PreTrainedModel, LogitsProcess"
        "orList": "from transformers import GPT2Config, LogitsProcessorList\n"
        "from indextts.gpt.transformers_gpt2 import GPT2PreTrainedModel, GPT2Model\n"
        "from transformers.utils.model_parallel_utils import (assert_device_map,\n"
        "                                                     get_device_map)\n"
        "from indextts.utils.tokenizer import LANGUAGE_DICT",
        "(GPT2PreTrainedModel, GenerationMixin)": "(GPT2PreTrainedModel)",
    },
    "utils/front.py": {
        "self._normalizers: dict = {}": "self.zh_normalizer = self.en_normalizer = None",
        "self._normalizers.get(lang)": "{'zh': self.zh_normalizer, 'en': self.en_normalizer}[lang]",
        ", verbose=False)": ")",
    },
    "utils/common.py": {"import torch\n": "import torch\nimport torchaudio\n"},
}
_ADDED = {
    "gpt/transformers_generation_utils.py": _GENERATION,
    "gpt/transformers_gpt2.py": _GPT2,
    "utils/tokenizer.py": _TOKENIZER,
    "s2mel/dac/__init__.py": _DAC,
}


def write_original_package(site: Path) -> Path:
    """Write the package into the package folder ``site`` and return its own folder."""
    spec = importlib.util.find_spec("indextts")
    assert spec is not None
    assert spec.submodule_search_locations
    (installed,) = spec.submodule_search_locations
    package = site / "indextts"
    shutil.copytree(installed, package, ignore=shutil.ignore_patterns("__pycache__", "nemo_cache"))
    for name, replacements in _CHANGES.items():
        code = (package / name).read_text("utf-8")
        for old, new in replacements.items():
            assert old in code, f"{name} has changed: {old}"
            code = code.replace(old, new)
        (package / name).write_text(code, "utf-8")
    for name, code in _ADDED.items():
        (package / name).write_text(code, "utf-8")
    return package
