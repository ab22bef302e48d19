"""Imports of the model's package that may fail: what cannot be imported gets a stand-in.

The package's modules import much that speaking does not use, at the top of the same files: audio
and plotting libraries, tokenizers of other models, and a copy of transformers' generation code that
needs one release of transformers. Inside ``lenient_imports`` such an import does not fail. A name
that cannot be imported becomes a ``StandIn``, which a module may do anything with while it is
imported and nothing afterwards.

Only the import statements of the package's own modules are treated so, and of these only the ones
at a module's top level: around one inside ``try`` or a function the module handles the failure
itself. Nothing enters ``sys.modules`` but modules of the package.
"""

import ast
import importlib
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import Any

from domain.errors import ModelUnavailable

_FAILURES = (ImportError, OSError)
"""What an import raises that cannot succeed; OSError where a shared library does not load."""


class StandIn:
    """The place of ``name``, which cannot be imported.

    While a module is imported it can be called, subclassed and used in annotations.

    Raises:
        ModelUnavailable: it is called at any other time, or a class below it is.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> "StandIn":
        if name.startswith("__"):
            raise AttributeError(name)
        return StandIn(f"{self._name}.{name}")

    def __call__(self, *_: object, **__: object) -> "StandIn":
        if not _Importing.depth:
            raise _unavailable(self._name)
        return self

    def __mro_entries__(self, _: tuple[object, ...]) -> tuple[type, ...]:
        return (_subclassable(self._name),)

    def __instancecheck__(self, _: object) -> bool:
        return False

    def _is_itself(self, _: object) -> "StandIn":
        return self

    __getitem__ = __or__ = __ror__ = __iadd__ = _is_itself


@contextmanager
def lenient_imports(package: str, *, unused: Sequence[str]) -> Iterator[None]:
    """Import the modules of ``package`` leniently inside the block.

    Of the modules whose names begin with one of ``unused`` nothing is run: every name in them is a
    stand-in.
    """
    finder = _Finder(package, tuple(unused))
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _Importing:
    """How many modules of the package are being imported, one by another."""

    depth = 0


class _Finder:
    """Finds the package's modules where they are, with loaders of this module."""

    def __init__(self, package: str, unused: tuple[str, ...]) -> None:
        self._package = package
        self._unused = unused

    def find_spec(
        self, name: str, path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not name.startswith(f"{self._package}."):
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is None or type(spec.loader) is not SourceFileLoader:
            return spec
        if name.startswith(self._unused):
            spec.loader = _UnusedLoader()
        else:
            spec.loader = _LenientLoader(name, spec.loader.path, package=self._package)
        return spec


class _UnusedLoader(Loader):
    """Gives a module whose every name is a stand-in."""

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave the module to the import system."""

    def exec_module(self, module: ModuleType) -> None:
        def stand_in(name: str) -> StandIn:
            if name.startswith("__"):
                raise AttributeError(name)
            return StandIn(f"{module.__name__}.{name}")

        vars(module)["__getattr__"] = stand_in


class _LenientLoader(SourceFileLoader):
    """Runs a module as it is and, where an import fails, once more with stand-ins."""

    def __init__(self, name: str, path: str, *, package: str) -> None:
        super().__init__(name, path)
        self._package = package

    def exec_module(self, module: ModuleType) -> None:
        _Importing.depth += 1
        before = dict(vars(module))
        try:
            try:
                super().exec_module(module)
            except _FAILURES:
                code = self._with_stand_ins()
                if code is None:
                    raise
                vars(module).clear()
                vars(module).update(before)
                exec(code, vars(module))  # noqa: S102 - the same module, as its loader runs it
        finally:
            _Importing.depth -= 1

    def _with_stand_ins(self) -> CodeType | None:
        """Return the module's code without the imports that fail, or None if none of them does."""
        tree = ast.parse(self.get_data(self.path), self.path)
        body = [part for node in tree.body for part in self._replaced(node)]
        if body == tree.body:
            return None
        tree.body = body
        return compile(ast.fix_missing_locations(tree), self.path, "exec", dont_inherit=True)

    def _replaced(self, node: ast.stmt) -> Iterator[ast.stmt]:
        """Yield ``node``, or what stands in the place of an import that fails."""
        if isinstance(node, ast.Import):
            yield from self._replaced_modules(node)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from self._replaced_names(node, node.module)
        else:
            yield node

    def _replaced_modules(self, node: ast.Import) -> Iterator[ast.stmt]:
        failing = [alias for alias in node.names if not self._imports(alias.name)]
        if not failing:
            yield node
            return
        if kept := [alias for alias in node.names if alias not in failing]:
            yield ast.copy_location(ast.Import(kept), node)
        for alias in failing:
            name = alias.name if alias.asname else alias.name.partition(".")[0]
            yield _assignment(alias.asname or name, name, node)

    def _replaced_names(self, node: ast.ImportFrom, module: str) -> Iterator[ast.stmt]:
        failing = [alias for alias in node.names if not self._imports(module, alias.name)]
        if not failing:
            yield node
            return
        if kept := [alias for alias in node.names if alias not in failing]:
            yield ast.copy_location(ast.ImportFrom(module, kept, 0), node)
        for alias in failing:
            if alias.name != "*":
                yield _assignment(alias.asname or alias.name, f"{module}.{alias.name}", node)

    def _imports(self, module: str, name: str = "*") -> bool:
        """Return whether a name of a foreign module can be had; the package's own must be."""
        if module.partition(".")[0] == self._package:
            return True
        try:
            found = importlib.import_module(module)
        except _FAILURES:
            return False
        if name == "*" or hasattr(found, name):
            return True
        with suppress(*_FAILURES):
            importlib.import_module(f"{module}.{name}")
            return True
        return False


def _assignment(target: str, name: str, at: ast.stmt) -> ast.stmt:
    """Return the statement that binds ``target`` to a stand-in for ``name``."""
    source = f"{target} = __import__({__name__!r}, fromlist=['StandIn']).StandIn({name!r})"
    return ast.copy_location(ast.parse(source).body[0], at)


def _subclassable(name: str) -> type[Any]:
    """Return a base class that stands for ``name``; classes below it cannot be instantiated."""

    def refuse(_: type[Any], *__: object, **___: object) -> Any:
        raise _unavailable(name)

    return type("StandInBase", (), {"__new__": refuse})


def _unavailable(name: str) -> ModelUnavailable:
    return ModelUnavailable(
        f"the model's package needs {name}, which cannot be imported here; install the packages"
        " that it requires, or another release of the model's package"
    )
