"""The address book: who has which mail address. Filled by `book_import`, read here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Select, func, select, true

from services84.store.address_keys import account_keys, address_key
from services84.store.crm_tables import contact, email, person, phone
from services84.store.crm_values import BookAddress, Contact, Person, Phone, PhoneKind
from services84.store.database import Database
from services84.store.sql import chunks, folded
from services84.store.tables import email_account
from services84.store.values import AccountStatus

_ADDRESS = (
    email.c.email_id,
    email.c.email_address,
    email.c.address_key,
    person.c.person_id,
    person.c.full_name,
    contact.c.contact_id,
    contact.c.name,
    contact.c.department,
    contact.c.orgnr,
)
_PERSON = (
    person.c.person_id,
    person.c.firstname,
    person.c.middle_name,
    person.c.lastname,
    person.c.full_name,
    person.c.mrmrs,
    person.c.title,
    person.c.person_number,
    person.c.description,
    person.c.birth_date,
    person.c.registered,
    person.c.updated,
    contact.c.contact_id,
    contact.c.name,
    contact.c.department,
    contact.c.orgnr,
)


class ContactStore:
    """Looking things up in the address book. All methods raise StoreError."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def by_addresses(self, addresses: Iterable[str]) -> list[BookAddress]:
        """Who has one of these addresses, however they are spelt (`address_key`); persons before
        companies, those first who have been in the book for longer."""
        keys = sorted({address_key(address) for address in addresses} - {""})
        with self.database.reading() as connection:
            return _addresses(connection, email.c.address_key, keys, email.c.address_key != "")

    def by_email_ids(self, email_ids: Collection[int]) -> list[BookAddress]:
        """The addresses of these ids, as far as there are any."""
        with self.database.reading() as connection:
            return _addresses(connection, email.c.email_id, sorted(set(email_ids)), true())

    def by_name(self, name: str) -> list[BookAddress]:
        """The addresses of persons and of companies of this full name, case aside; of one that has
        no address a BookAddress without `email_id`."""
        key = folded(" ".join(name.split()))
        persons = (
            select(*_ADDRESS)
            .select_from(person)
            .outerjoin(email, email.c.person_id == person.c.person_id)
            .outerjoin(contact, contact.c.contact_id == person.c.contact_id)
            .where(person.c.name_key == key, person.c.name_key != "")
        )
        companies = (
            select(*_ADDRESS)
            .select_from(contact)
            .outerjoin(email, email.c.contact_id == contact.c.contact_id)
            .outerjoin(person, person.c.person_id == email.c.person_id)
            .where(contact.c.name_key == key, contact.c.name_key != "")
        )
        with self.database.reading() as connection:
            found = [*connection.execute(persons), *connection.execute(companies)]
        return sorted({_address(row) for row in found}, key=_seniority)

    def persons(self, person_ids: Collection[int]) -> list[Person]:
        """The persons of these ids with their addresses and telephone numbers, by id."""
        ids = sorted(set(person_ids))
        with self.database.reading() as connection:
            rows = _in_chunks(
                connection,
                select(*_PERSON).select_from(person).outerjoin(contact),
                person.c.person_id,
                ids,
            )
            addresses = _by_person(
                connection, select(email.c.person_id, email.c.email_address), email, ids
            )
            phones = _by_person(
                connection, select(phone.c.person_id, phone.c.kind, phone.c.phone), phone, ids
            )
        return [
            _person(row, addresses.get(row[0], ()), phones.get(row[0], ()))
            for row in sorted(rows, key=lambda row: int(row[0]))
        ]

    def person_exists(self, person_id: int) -> bool:
        """Whether there is a person of this id."""
        return self._exists(select(person.c.person_id).where(person.c.person_id == person_id))

    def contact_exists(self, contact_id: int) -> bool:
        """Whether there is a company of this id."""
        return self._exists(select(contact.c.contact_id).where(contact.c.contact_id == contact_id))

    def associates_by_address(self, addresses: Iterable[str]) -> dict[str, int]:
        """`address_key` → the associate who has a mail account of this address, where one has;
        of several associates the one of the oldest account."""
        keys: dict[str, str] = {}
        for address in addresses:
            key = address_key(address)
            keys |= dict.fromkeys(account_keys(address) if key else (), key)
        query = (
            select(email_account.c.address_key, email_account.c.associate_id)
            .where(
                email_account.c.address_key != "",  # the index holds no others
                email_account.c.account_status != AccountStatus.DELETED,
            )
            .order_by(email_account.c.email_account_id)
        )
        found: dict[str, int] = {}
        with self.database.reading() as connection:
            for row in _in_chunks(connection, query, email_account.c.address_key, sorted(keys)):
                found.setdefault(keys[row[0]], row[1])
        return found

    def _exists(self, query: Select[Any]) -> bool:
        with self.database.reading() as connection:
            return connection.execute(query).first() is not None


def _addresses(
    connection: Connection, column: Any, wanted: Sequence[Any], condition: Any
) -> list[BookAddress]:
    """The addresses whose `column` is wanted; `condition` is the one of the column's index."""
    # An address is a company's own, or a person's, who may belong to a company.
    owner = contact.c.contact_id == func.coalesce(email.c.contact_id, person.c.contact_id)
    query = (
        select(*_ADDRESS)
        .select_from(email)
        .outerjoin(person, person.c.person_id == email.c.person_id)
        .outerjoin(contact, owner)
        .where(condition)
    )
    return sorted(map(_address, _in_chunks(connection, query, column, wanted)), key=_seniority)


def _address(row: Sequence[Any]) -> BookAddress:
    """A row of `_ADDRESS`; whatever is not there is 0 or empty."""
    ids = {0, 3, 5}
    values: list[Any] = [
        value if value is not None else 0 if at in ids else "" for at, value in enumerate(row)
    ]
    return BookAddress(*values)


def _person(row: Sequence[Any], addresses: Iterable[Any], phones: Iterable[Any]) -> Person:
    """A row of `_PERSON` and what the person has."""
    values: list[Any] = [
        *row[:12],
        None if row[12] is None else Contact(*row[12:16]),
        tuple(address for (address,) in addresses),
        tuple(Phone(PhoneKind(kind), number) for kind, number in phones),
    ]
    return Person(*values)


def _seniority(found: BookAddress) -> tuple[bool, int, int, int]:
    return not found.person_id, found.person_id, found.contact_id, found.email_id


def _in_chunks(
    connection: Connection, query: Select[Any], column: Any, wanted: Sequence[Any]
) -> list[Any]:
    rows: list[Any] = []
    for some in chunks(wanted):
        rows += connection.execute(query.where(column.in_(some))).all()
    return rows


def _by_person(
    connection: Connection, query: Select[Any], table: Any, ids: Sequence[int]
) -> dict[int, list[Any]]:
    """Person id → rows of what it has, in their order; without the id itself."""
    ordered = query.order_by(table.c.person_id, table.c.rank)
    found: dict[int, list[Any]] = {}
    for row in _in_chunks(connection, ordered, table.c.person_id, ids):
        found.setdefault(row[0], []).append(row[1:])
    return found
