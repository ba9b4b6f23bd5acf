"""Every named type that the carriers' modules define, whether or not an operation uses it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

from services84 import carriers
from services84.carriers.base import ArrayOfString, Enumeration, Record

ARRAY: Any = ArrayOfString.__orig__


def _kinds() -> Iterator[Any]:
    for module in pkgutil.iter_modules(carriers.__path__):
        for value in vars(importlib.import_module(f"{carriers.__name__}.{module.name}")).values():
            if isinstance(value, type) and issubclass(value, (Record, Enumeration, ARRAY)):
                yield value


def name_of(kind: Any) -> str:
    """The qualified name of a type: `{namespace}Name`."""
    return f"{{{kind.get_namespace()}}}{kind.get_type_name()}"


KINDS = {name_of(kind): kind for kind in _kinds() if kind not in (Record, Enumeration, ARRAY)}
