"""What the documents say is there, is there."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import SecretStr

from services84.agents import EMAIL, PRINCIPAL
from services84.cli import main
from services84.cli.operations import operations_page
from services84.mailhost import _MECHANISMS
from services84.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = {page.name: page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md")}


def shown(value: object) -> str:
    """A default as the table of settings shows it."""
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, tuple):
        value = ",".join(value)
    if value in (None, ""):
        return "empty"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def test_every_setting_is_documented_with_its_default_and_no_other() -> None:
    rows = re.findall(rf"^\| `{PREFIX}(\w+)` \| (.*?) \|", PAGES["settings.md"], re.MULTILINE)
    fields = Settings.model_fields
    assert dict(rows) == {name.upper(): shown(field.default) for name, field in fields.items()}


def test_every_setting_that_is_mentioned_exists() -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    known.add("SERVICES84_NO_APT")  # make test's own
    for name, text in {"README.md": README, **PAGES}.items():
        assert set(re.findall(rf"{PREFIX}[A-Z_]+[A-Z]", text)) <= known, name


def test_the_page_of_operations_is_up_to_date() -> None:
    page = operations_page()
    assert PAGES["operations.md"] == page, "`services84 operations` writes it"
    for table in (EMAIL, PRINCIPAL):
        for operation in table:
            row = re.search(rf"^\| `{operation.name}` \| (.+?) \| .*\|$", page, re.MULTILINE)
            assert row is not None, operation.name
            assert row[1].endswith("."), operation.name


def test_the_readme_names_every_command() -> None:
    for command in main.commands:
        assert f"services84 {command}" in README


def test_links_between_the_documents_lead_somewhere() -> None:
    for name, text in {"README.md": README, **{f"docs/{n}": t for n, t in PAGES.items()}}.items():
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            assert ((ROOT / name).parent / target).exists(), f"{name}: {target}"


def test_every_auth_type_is_documented() -> None:
    documented = {t.lower() for t in re.findall(r"`([\w-]+)`", PAGES["accounts.md"])}
    assert {name for name in _MECHANISMS if name} <= documented
