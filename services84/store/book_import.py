"""Filling the address book: many entries at once, all of them or none, as often as one likes.

An entry is known again by a hash of its identity, and whether it has changed by a hash of what it
held, so that bringing the same entries again writes nothing. Ids stay, also those of addresses.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, insert, select, update

from services84.store.address_keys import address_key
from services84.store.crm_tables import contact, email, person, phone
from services84.store.crm_values import CompanyDraft, ImportCounts, PersonDraft
from services84.store.database import Database
from services84.store.sql import chunks, folded

Rows = list[dict[str, Any]]


def import_book(
    database: Database, persons: Sequence[PersonDraft], companies: Sequence[CompanyDraft] = ()
) -> tuple[ImportCounts, ImportCounts]:
    """Bring persons and companies into the book; gives what became of each kind.

    Companies that persons name need not be among `companies`; one that is there already keeps
    what it has. Of drafts of one identity the last counts. Raises StoreError, and has written
    nothing then.
    """
    now = database.clock()
    with database.transaction() as connection:
        firms = _save_all(connection, _COMPANIES, _companies_of(persons, companies), now)
        full = {company_key(company) for company in companies}
        _save_addresses(
            connection,
            "contact_id",
            {i: d for i, d in firms.written.items() if company_key(d) in full},
            now,
        )
        kind = _persons_in(firms.ids)
        people = _save_all(connection, kind, {person_key(p): p for p in persons}, now)
        _save_addresses(connection, "person_id", people.written, now)
        _save_phones(connection, people.written)
    return people.counts, firms.counts


def company_key(draft: CompanyDraft) -> str:
    """The hash of a company's identity."""
    if draft.identity:
        return _hash("company", draft.identity)
    return _hash("company", "", folded(draft.name), folded(draft.department))


def person_key(draft: PersonDraft) -> str:
    """The hash of a person's identity."""
    if draft.identity:
        return _hash("person", draft.identity)
    if draft.addresses:
        return _hash("person", "", folded(draft.full_name), address_key(draft.addresses[0]))
    company = draft.company or CompanyDraft("")
    names = (draft.full_name, company.name, company.department)
    return _hash("person", "", *map(folded, names))


def _hash(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _companies_of(
    persons: Sequence[PersonDraft], companies: Sequence[CompanyDraft]
) -> dict[str, CompanyDraft]:
    named = {company_key(p.company): p.company for p in persons if p.company is not None}
    return named | {company_key(company): company for company in companies}


# Rows with a key --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Kind:
    """How drafts of a kind become rows of their table. A draft that only `mentions` an entry
    makes it, and does not change it."""

    table: Table
    row: Callable[[Any], dict[str, Any]]
    mentions: Callable[[Any], bool]


@dataclass(frozen=True)
class _Saved:
    """What `_save_all` did: the ids of all keys, and the drafts that were written, by id."""

    ids: Mapping[str, int]
    written: Mapping[int, Any]
    counts: ImportCounts


def _company_row(draft: CompanyDraft) -> dict[str, Any]:
    return {
        "name": draft.name,
        "name_key": folded(draft.name),
        "department": draft.department,
        "orgnr": draft.orgnr,
    }


# A company that is only named brings nothing that its row could lack.
_COMPANIES = _Kind(contact, _company_row, lambda d: not (d.identity or d.orgnr or d.addresses))


def _persons_in(contact_ids: Mapping[str, int]) -> _Kind:
    def row(draft: PersonDraft) -> dict[str, Any]:
        company = draft.company
        return {
            "contact_id": None if company is None else contact_ids[company_key(company)],
            "firstname": draft.firstname,
            "middle_name": draft.middle_name,
            "lastname": draft.lastname,
            "full_name": draft.full_name,
            "name_key": folded(" ".join(draft.full_name.split())),
            "mrmrs": draft.mrmrs,
            "title": draft.title,
            "person_number": draft.person_number,
            "description": draft.description,
            "birth_date": draft.birth_date,
        }

    return _Kind(person, row, lambda draft: False)


def _save_all(
    connection: Connection, kind: _Kind, drafts: Mapping[str, Any], now: datetime
) -> _Saved:
    table = kind.table
    known = _known(connection, table, list(drafts))
    digests = {key: _hash(repr(draft)) for key, draft in drafts.items()}
    new = [key for key in drafts if key not in known]
    changed = [
        key
        for key, (_, digest) in known.items()
        if digest != digests[key] and not kind.mentions(drafts[key])
    ]

    def rows(keys: Iterable[str]) -> Rows:
        return [
            {
                **kind.row(drafts[key]),
                "import_key": key,
                "import_digest": digests[key],
                "updated": now,
            }
            for key in keys
        ]

    if new:
        connection.execute(insert(table), [{**row, "registered": now} for row in rows(new)])
    if changed:
        _update(connection, table, rows(changed))
    ids = {key: row[0] for key, row in known.items()}
    ids |= {key: row[0] for key, row in _known(connection, table, new).items()}
    counts = ImportCounts(len(new), len(changed), len(known) - len(changed))
    return _Saved(ids, {ids[key]: drafts[key] for key in [*new, *changed]}, counts)


def _known(connection: Connection, table: Table, keys: Sequence[str]) -> dict[str, tuple[int, str]]:
    """Key → id and digest, of the rows that are there."""
    (id_column,) = table.primary_key.columns
    found: dict[str, tuple[int, str]] = {}
    for some in chunks(keys):
        query = select(table.c.import_key, id_column, table.c.import_digest).where(
            table.c.import_key.in_(some)
        )
        found |= {key: (row_id, digest) for key, row_id, digest in connection.execute(query)}
    return found


def _update(connection: Connection, table: Table, rows: Rows) -> None:
    columns = [name for name in rows[0] if name != "import_key"]
    statement = (
        update(table)
        .where(table.c.import_key == bindparam("b_import_key"))
        .values({name: bindparam(f"b_{name}") for name in columns})
    )
    connection.execute(statement, [{f"b_{k}": v for k, v in row.items()} for row in rows])


# Addresses and telephone numbers ----------------------------------------------------------------


def _save_addresses(
    connection: Connection, owner: str, drafts: Mapping[int, Any], now: datetime
) -> None:
    """Let entries have the addresses of their drafts; one that stays keeps its id."""
    stored = _stored_addresses(connection, owner, list(drafts))
    gone: list[int] = []
    added: Rows = []
    moved: Rows = []
    for owner_id, draft in drafts.items():
        left = dict(stored.get(owner_id, {}))
        for rank, (key, address) in enumerate(_distinct(draft.addresses).items()):
            values = {"email_address": address, "rank": rank}
            row = left.pop(key, None)
            if row is None:
                identity = {"contact_id": None, "person_id": None, owner: owner_id}
                added.append({**identity, "address_key": key, "registered": now, **values})
            elif row[1:] != (address, rank):
                moved.append({f"b_{k}": v for k, v in {"id": row[0], **values}.items()})
        gone += [row[0] for row in left.values()]
    for some in chunks(gone):
        connection.execute(delete(email).where(email.c.email_id.in_(some)))
    if added:
        connection.execute(insert(email), added)
    if moved:
        connection.execute(
            update(email)
            .where(email.c.email_id == bindparam("b_id"))
            .values(email_address=bindparam("b_email_address"), rank=bindparam("b_rank")),
            moved,
        )


def _distinct(addresses: Sequence[str]) -> dict[str, str]:
    distinct: dict[str, str] = {}
    for address in addresses:
        distinct.setdefault(address_key(address), address)
    return distinct


def _stored_addresses(
    connection: Connection, owner: str, owner_ids: Sequence[int]
) -> dict[int, dict[str, tuple[int, str, int]]]:
    """Owner's id → address key → id, address and rank."""
    stored: dict[int, dict[str, tuple[int, str, int]]] = {}
    column = email.c[owner]
    for some in chunks(owner_ids):
        query = select(
            column, email.c.address_key, email.c.email_id, email.c.email_address, email.c.rank
        ).where(column.in_(some))
        for owner_id, key, *row in connection.execute(query):
            stored.setdefault(owner_id, {})[key] = (row[0], row[1], row[2])
    return stored


def _save_phones(connection: Connection, drafts: Mapping[int, PersonDraft]) -> None:
    for some in chunks(list(drafts)):
        connection.execute(delete(phone).where(phone.c.person_id.in_(some)))
    rows = [
        {"person_id": person_id, "kind": str(kind), "phone": number, "rank": rank}
        for person_id, draft in drafts.items()
        for rank, (kind, number) in enumerate(dict.fromkeys(draft.phones))
    ]
    if rows:
        connection.execute(insert(phone), rows)
