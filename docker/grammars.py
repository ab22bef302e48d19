"""Compile the text grammars into the cache of the model's package, which a worker reads.

Without that cache the first start of each container compiles them anew. A fork of the package that
uses other grammars keeps no such cache: nothing is compiled for it.
"""

from importlib.util import find_spec
from pathlib import Path

package = find_spec("indextts")
if package is None or package.origin is None:
    raise SystemExit("the package indextts is not installed")
front = Path(package.origin).with_name("utils") / "front.py"
if "nemo_cache" in front.read_text():
    from nemo_text_processing.text_normalization.normalize import Normalizer

    cache = front.with_name("nemo_cache")
    cache.mkdir(exist_ok=True)
    for language in ("zh", "en"):
        Normalizer(input_case="cased", lang=language, cache_dir=str(cache))
