"""What the tables themselves say of secrets and of backups: a new table or column is not forgotten.

A column is taken for a secret by its name; what looks like one and is none is named here, with
the reason.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Column, String, select
from sqlalchemy.types import LargeBinary

import services84
from services84.security.vault import Vault
from services84.store import copying, sealed
from services84.store.accounts import AccountStore
from services84.store.database import Database
from services84.store.mail_tokens import MailTokenStore
from services84.store.tables import metadata
from tests.store.conftest import START, draft, make_stores

PACKAGE = Path(services84.__file__).parent
SECRET = re.compile("pass|secret|token|ticket|credential|key|cookie|session|code|nonce|salt|auth")
# Of one way only: what is stored does not give the secret away.
HASHED = re.compile("_hash$")
NO_SECRETS = {
    "address_key": "an address, folded for lookups",
    "auth_type": "a way to log in",
    "import_key": "what makes out a record of an import",
    "key": "whose logins failed: an address, or a name",
    "keywords": "of IMAP: flags that have no bit",
    "name_key": "a name, folded for lookups",
    "token_provider": "the name of a provider",
}


def suspects() -> Iterator[Column[object]]:
    """The columns of texts and bytes that a secret might be in, by their names."""
    for table in metadata.sorted_tables:
        for column in table.c:
            holds = isinstance(column.type, String | LargeBinary) or "Text" in repr(column.type)
            if holds and SECRET.search(column.name) and not HASHED.search(column.name):
                yield column


def sealed_columns() -> set[tuple[str, str]]:
    return {(place.table.name, place.secret.name) for place in sealed._PLACES}


def test_every_column_that_may_hold_a_secret_is_sealed_or_is_known_to_hold_none() -> None:
    known = sealed_columns()
    forgotten = [
        f"{column.table.name}.{column.name}"
        for column in suspects()
        if (column.table.name, column.name) not in known and column.name not in NO_SECRETS
    ]
    assert not forgotten, "to store/sealed.py's _PLACES, or to NO_SECRETS with a reason"


def test_every_sealed_column_looks_like_a_secret() -> None:
    """So that the names by which columns are taken for secrets catch the next of their kind."""
    assert sealed_columns() <= {(column.table.name, column.name) for column in suspects()}


def test_every_harmless_name_is_still_a_column() -> None:
    assert {column.name for column in suspects()} >= set(NO_SECRETS)


def test_whatever_a_store_seals_is_found_by_a_rotation(database: Database) -> None:
    """By the values: each text of the database that is sealed stands in a place that is known."""
    stores, vault = make_stores(database), Vault.of_new_key()
    account = AccountStore(database, vault).save(draft(stores.associate()))
    assert account.incoming is not None
    MailTokenStore(database, vault).keep(
        account.account_id,
        "provider",
        "refresh-secret",
        "access-secret",
        START + timedelta(hours=1),
        [account.incoming.service_auth_id],
        START,
    )
    found = set()
    with database.reading() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(select(table)).mappings():
                found |= {
                    (table.name, name)
                    for name, value in row.items()
                    if isinstance(value, str) and vault.key_of(value) is not None
                }
    assert found == sealed_columns()


# Sealing under the lock -------------------------------------------------------------------------


def functions(path: Path) -> dict[str, ast.FunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def called(function: ast.FunctionDef) -> set[str]:
    """The last names of all that a function calls: `seal` of `vault.seal(...)`."""
    names = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            target = node.func
            names.add(
                target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
            )
    return names


def unlocked(path: Path) -> list[str]:
    """Functions that seal, or have a helper of the module seal, and do not hold the lock; only
    helpers whose every caller holds it may."""
    defined = functions(path)
    sealing = {name for name, function in defined.items() if "seal" in called(function)}
    wanting = [name for name in sealing if "while_sealing" not in called(defined[name])]
    found = []
    while wanting:
        name = wanting.pop()
        callers = [other for other in defined if name in called(defined[other]) and other != name]
        if not name.startswith("_") or not callers:
            found.append(f"{path.name}: {name}")
        wanting += [one for one in callers if "while_sealing" not in called(defined[one])]
    return found


SEALERS = sorted(
    path
    for path in PACKAGE.rglob("*.py")
    if re.search(r"\.seal\(", path.read_text(encoding="utf-8")) and path.name != "vault.py"
)


def test_only_the_store_seals() -> None:
    assert [path.relative_to(PACKAGE).as_posix() for path in SEALERS] == [
        "store/account_changes.py",
        "store/mail_tokens.py",
        "store/sealed.py",
    ]


@pytest.mark.parametrize("path", SEALERS, ids=lambda path: path.stem)
def test_whoever_seals_holds_off_the_removal_of_keys(path: Path) -> None:
    assert unlocked(path) == []


def test_a_function_that_seals_without_the_lock_is_seen(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "def _helper(vault):\n    return vault.seal('x')\n"
        "def careful(connection, vault):\n    while_sealing(connection)\n    _helper(vault)\n"
        "def careless(vault):\n    _helper(vault)\n"
    )
    assert unlocked(wrong) == ["wrong.py: careless"]


# Backups ----------------------------------------------------------------------------------------


def test_what_is_not_in_a_backup_is_of_the_day() -> None:
    """A table is in a backup unless it is named, and these are all that may be."""
    assert set(copying.TRANSIENT) == {
        "credentials",  # tickets: everybody signs in again
        "login_attempt",
        "mail_host_slot",
        "service_lease",
        "sync_progress",  # of syncs that run
        "sync_request",  # the scheduler asks again for what is due
    }
    assert set(copying.TRANSIENT) <= set(metadata.tables)
    kept = {table.name for table in copying.kept_tables()}
    assert kept | set(copying.TRANSIENT) == set(metadata.tables)


def test_nothing_in_a_backup_refers_to_what_is_not() -> None:
    for table in copying.kept_tables():
        for key in table.foreign_keys:
            assert key.column.table.name not in copying.TRANSIENT, key


def test_no_secret_is_left_out_of_backups() -> None:
    assert not {table for table, _ in sealed_columns()} & set(copying.TRANSIENT)
