"""`STRATEGY: module:Class` -> a strategy, or a settings error that says what was found there."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tieout.errors import SettingsError
from tieout.strategy import Strategy

if TYPE_CHECKING:
    from types import ModuleType

_EXPECTED = "expected a class that inherits from tieout.strategy.Strategy"


def load_strategy(name: str, folder: Path) -> Strategy:
    """
    A new strategy of that name. Its module is looked for in `folder` (the workspace) first.

    Raises:
        SettingsError: there is no such module or class, it is no `Strategy`, or making one failed.
    """
    module_name, _, class_name = name.partition(":")
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    module = _import(name, module_name)
    if not hasattr(module, class_name):
        known = [key for key, value in vars(module).items() if _is_strategy(value)]
        raise SettingsError(
            f"STRATEGY is {name}: the module {module_name} has no {class_name}; {_EXPECTED}",
            hint=f"it has {', '.join(known)}" if known else "correct STRATEGY, or the module",
        )
    found = getattr(module, class_name)
    if not _is_strategy(found):
        what = f"the class {found.__qualname__}" if isinstance(found, type) else f"a {type(found).__name__}"
        raise SettingsError(f"STRATEGY is {name}: found {what}; {_EXPECTED}", hint="let it inherit from Strategy")
    try:
        strategy = found()
    except Exception as error:
        raise SettingsError(
            f"STRATEGY is {name}: making one failed ({type(error).__name__}: {error}); expected {class_name}() to work",
            hint="give its parameters defaults, and do nothing in __init__ that can fail",
        ) from error
    made: Strategy = strategy
    return made


def _import(name: str, module_name: str) -> ModuleType:
    try:
        return importlib.import_module(module_name)
    except Exception as error:
        raise SettingsError(
            f"STRATEGY is {name}: importing {module_name} failed ({type(error).__name__}: {error})",
            hint="expected a module that can be imported from the workspace's folder, or one that is installed",
        ) from error


def _is_strategy(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, Strategy) and found is not Strategy
