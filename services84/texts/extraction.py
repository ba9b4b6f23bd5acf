"""Finds the service's texts in its sources, and keeps the catalogues' lists of messages level.

`python -m services84.texts.extraction` rewrites the catalogues: new messages come in untranslated,
those that are gone go out. For developers; the running service never reads sources.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

from services84.texts.catalogues import LOCALES, TRANSLATED, po_file, read_catalogue
from services84.texts.resources import RESOURCES
from services84.texts.templates import is_message, without_names

PACKAGE = Path(__file__).resolve().parents[1]
# What these say is for operators, who read the English documentation.
_FOR_OPERATORS = frozenset({"cli", "migrations", "settings.py", "texts", "web"})
_ERRORS_FOR_OPERATORS = frozenset(
    {
        "BackupError",
        "BackupUnusable",
        "ConfigurationError",
        "InUse",
        "KeyUnavailable",
        "NotEmpty",
        "SchemaMismatch",
    }
)
# What describes the web API speaks English, as its names do.
_DESCRIPTIONS = frozenset({"crm_schema.py", "openapi.py", "openapi_operations.py"})
# By these names go texts that are made apart from the error which says them.
_PROBLEMS = re.compile(
    r"_?(?:.*_)?(?:problem|reason|refused|why|how_to_get_one|guarded|servers_own|no_zone|words)s?",
    re.IGNORECASE,
)


def messages(package: Path = PACKAGE) -> dict[str, list[str]]:
    """Every message → the files that it is in, below the package."""
    makers = _error_names(package / "errors.py") - _ERRORS_FOR_OPERATORS
    found: dict[str, list[str]] = {text: ["texts/resources.py"] for text in RESOURCES.values()}
    alike: dict[str, str] = {}  # messages that differ in the names of their places are one
    for file in sorted(package.rglob("*.py")):
        place = file.relative_to(package)
        if _FOR_OPERATORS.isdisjoint(place.parts) and file.name not in _DESCRIPTIONS:
            for text in _messages_of(file, makers):
                known = alike.setdefault(without_names(text), text)
                found.setdefault(known, []).append(str(place))
    return found


def updated(language: str, found: dict[str, list[str]]) -> Catalog:
    """A language's catalogue with exactly these messages, and the translations it has of them."""
    said = {}
    if po_file(language).is_file():
        said = {str(m.id): m.string for m in read_catalogue(language) if m.id}
    catalog = Catalog(locale=LOCALES[language], project="services84", domain="services84")
    for text, places in sorted(found.items()):
        catalog.add(text, said.get(text, ""), locations=[(file, 0) for file in sorted(set(places))])
    return catalog


def write(language: str, catalog: Catalog) -> None:
    """Write a language's file, with nothing in it that changes from day to day."""
    target = Path(str(po_file(language)))
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        write_po(file, catalog, omit_header=True, include_lineno=False, width=100)


def _error_names(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.ClassDef)}


def _messages_of(file: Path, makers: set[str]) -> Iterator[str]:
    """The texts that a file's calls of `makers` are given, and those that are called problems."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        given: list[ast.expr] = []
        match node:
            case ast.Call() if _name(node.func) in makers:
                given = [*node.args, *(keyword.value for keyword in node.keywords)]
            case ast.Assign(targets=[ast.Name(id=name)]) if _PROBLEMS.fullmatch(name):
                given = [node.value]
            case ast.AnnAssign(target=ast.Name(id=name)) if node.value and _PROBLEMS.fullmatch(
                name
            ):
                given = [node.value]
        for expression in given:
            yield from filter(is_message, _templates(expression))


def _templates(node: ast.AST) -> Iterator[str]:
    """The texts in an expression; a formatted one is one template, not its pieces."""
    if isinstance(node, ast.JoinedStr):
        yield "".join(_piece(value) for value in node.values)
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    if isinstance(node, ast.Call) and not _looks_up(node):
        return  # what is inside another call is that call's matter
    for child in ast.iter_child_nodes(node):
        yield from _templates(child)


def _looks_up(call: ast.Call) -> bool:
    """Whether it is `texts.get(key, text)`: the default is a text as well."""
    return isinstance(call.func, ast.Attribute) and call.func.attr == "get"


def _piece(value: ast.expr) -> str:
    if isinstance(value, ast.Constant):
        return str(value.value)
    assert isinstance(value, ast.FormattedValue)
    return f"{{{_name(value.value)}}}"


def _name(node: ast.AST) -> str:
    """What an expression is called: its last name."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=inner) | ast.Subscript(value=inner):
            return _name(inner)
    return "value"


def main() -> int:
    """Rewrite all catalogues; says how many messages lack a translation."""
    found = messages()
    for language in TRANSLATED:
        catalog = updated(language, found)
        write(language, catalog)
        missing = sum(1 for message in catalog if message.id and not message.string)
        print(f"{language}: {len(found)} messages, {missing} without a translation")
    return 0


if __name__ == "__main__":
    sys.exit(main())
