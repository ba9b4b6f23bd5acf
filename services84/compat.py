"""Makes Spyne 2.14 importable on every supported Python; to be called before its first import.

Spyne carries a copy of `six` whose importer lacks `find_spec`, which Python 3.12 requires. The
maintained `six` offers the same names, so it takes that copy's place. From Python 3.13 on the
`cgi` module that Spyne imports comes from the distribution `legacy-cgi`.

Nothing here changes how Spyne works; what it lacks for the contract is met in `soap`.
"""

from __future__ import annotations

import importlib
import operator
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

_SIX_MODULES = (
    "six.moves",
    "six.moves.collections_abc",
    "six.moves.http_cookies",
    "six.moves.urllib",
    "six.moves.urllib.error",
    "six.moves.urllib.parse",
    "six.moves.urllib.request",
)

_SPYNE_MODULES = ("spyne", "spyne.protocol.soap", "spyne.protocol.soap.soap12")


def prepare_spyne() -> None:
    """Import Spyne with the maintained `six` in place of its own copy.

    Python's complaints about Spyne's source (invalid escapes, the deprecated `cgi`) are kept
    from the caller, so that a run that treats warnings as errors still starts. Raises
    ImportError when Spyne, `six` or `legacy-cgi` is missing.
    """
    sys.modules.setdefault("spyne.util.six", _six())
    for name in _SIX_MODULES:
        sys.modules.setdefault(f"spyne.util.{name}", importlib.import_module(name))
    with _quiet_import():
        for name in _SPYNE_MODULES:
            importlib.import_module(name)


def _six() -> ModuleType:
    """The maintained `six` with the one function that Spyne has added to its copy."""
    module = ModuleType("spyne.util.six", "six as Spyne knows it")
    maintained = vars(importlib.import_module("six"))
    public = {name: value for name, value in maintained.items() if not name.startswith("__")}
    vars(module).update(public, __path__=[])
    vars(module)["get_function_name"] = operator.attrgetter("__name__")
    return module


@contextmanager
def _quiet_import() -> Iterator[None]:
    with warnings.catch_warnings():
        for category in (DeprecationWarning, PendingDeprecationWarning, SyntaxWarning):
            warnings.simplefilter("ignore", category)
        yield
