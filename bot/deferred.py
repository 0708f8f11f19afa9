"""TensorFlow, imported when something uses it: most of a start and half of the memory, and no part of
our pipeline does.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType
from typing import Any

TRAINING_TOOLS = "rasa.utils.train_utils"
"""What imports TensorFlow on the way to those parts of Rasa that a server uses. Only components that
learn with TensorFlow have a use for it."""


def defer_tensorflow() -> None:
    """Has Rasa's server import no TensorFlow. To be called before Rasa is imported.

    A pipeline that has a component of TensorFlow's still loads it, with that component.
    """
    if TRAINING_TOOLS not in sys.modules:
        sys.meta_path.insert(0, _Stand())


class _Stand(MetaPathFinder, Loader):
    """Puts something else in the place of the module, until it is used.

    What `importlib.util.LazyLoader` does, which can't: there the next `import` counts as a use.
    """

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002  Python's signature
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        return spec_from_loader(fullname, self) if fullname == TRAINING_TOOLS else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _StandIn(spec.name, finder=self)

    def exec_module(self, module: ModuleType) -> None:
        pass


class _StandIn(ModuleType):
    def __init__(self, name: str, finder: _Stand) -> None:
        super().__init__(name)
        self._finder = finder

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # Python itself asks for those.
            raise AttributeError(name)
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)
