"""Where an installed package comes from, in words: a fork has another distribution and source."""

import importlib.util
import json
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions, packages_distributions
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit


@dataclass(frozen=True, slots=True)
class PackageOrigin:
    """The distribution of a package, and its source where it is not a package index.

    Args:
        name: The distribution and its version; the package's own name where no distribution has it.
        source: A repository with its revision, a folder, or an empty string.
    """

    name: str
    source: str = ""

    def __str__(self) -> str:
        return f"{self.name} from {self.source}" if self.source else self.name


def find_origin(package: str) -> PackageOrigin:
    """Return where the installed ``package`` comes from, without importing it."""
    spec = importlib.util.find_spec(package)
    folders = list((spec and spec.submodule_search_locations) or ())
    folder = Path(folders[0]) if folders else None
    found = _distribution(package, folder)
    if found is None:
        return PackageOrigin(f"the package {package}", str(folder.parent) if folder else "")
    return PackageOrigin(f"{found.metadata['Name']} {found.version}", _source(found))


def _distribution(package: str, folder: Path | None) -> Distribution | None:
    """Return the distribution that installed ``folder``, if only as a link to its clone."""
    if folder is None:
        return None
    names = packages_distributions().get(package, ())
    for found in distributions():
        is_beside = found.metadata["Name"] in names and _place(found, package) == folder
        clone = _clone(found)
        if is_beside or (clone and folder.parent in (clone, clone / "src")):
            return found
    return None


def _place(found: Distribution, package: str) -> Path:
    return Path(str(found.locate_file(package)))


def _clone(found: Distribution) -> Path | None:
    """Return the folder of an editable installation (PEP 610)."""
    origin = _direct_url(found)
    if not origin.get("dir_info", {}).get("editable"):
        return None
    return Path(urlsplit(origin["url"]).path)


def _source(found: Distribution) -> str:
    """Return the address in the file of PEP 610 without user, password, query; and the commit."""
    origin = _direct_url(found)
    if not origin.get("url"):
        return ""
    address = urlsplit(origin["url"])
    host = address.netloc.rpartition("@")[2]
    plain = urlunsplit((address.scheme, host, address.path, "", ""))
    revision = origin.get("vcs_info", {}).get("commit_id", "")
    return f"{plain} at {revision}" if revision else plain


def _direct_url(found: Distribution) -> dict[str, Any]:
    return dict(json.loads(found.read_text("direct_url.json") or "{}"))
