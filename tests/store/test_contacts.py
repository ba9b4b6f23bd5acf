"""Address book: imports that can be repeated, look-ups by address, name and id."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine, event

from services84.errors import StoreError
from services84.store.book_import import import_book
from services84.store.contacts import ContactStore
from services84.store.crm_values import (
    CompanyDraft,
    Contact,
    ImportCounts,
    PersonDraft,
    Phone,
    PhoneKind,
)
from tests.store.conftest import Stores

ACME = CompanyDraft("Acme GmbH", "Sales")
ANNA = PersonDraft(
    full_name="Anna Berg",
    firstname="Anna",
    lastname="Berg",
    title="Director",
    birth_date=date(1980, 2, 29),
    addresses=["Anna@example.com", "anna@münchen.example"],
    phones=[(PhoneKind.MOBILE, "+47 1"), (PhoneKind.OFFICE, "+47 2"), (PhoneKind.MOBILE, "+47 1")],
    company=ACME,
)
BOB = PersonDraft(full_name="Bob", addresses=["bob@example.com"])


@pytest.fixture
def book(stores: Stores) -> ContactStore:
    return ContactStore(stores.database)


def test_a_failed_import_leaves_nothing_behind(stores: Stores, book: ContactStore) -> None:
    broken = replace(BOB, birth_date="no date")  # type: ignore[arg-type]
    with pytest.raises((StoreError, TypeError)):
        import_book(stores.database, [ANNA, broken])
    assert book.by_addresses(["anna@example.com"]) == []


def test_an_import_can_be_repeated_and_writes_nothing_then(
    stores: Stores, book: ContactStore
) -> None:
    first = import_book(stores.database, [ANNA, BOB])
    before = book.persons([1, 2])
    stores.later(hours=1)
    again = import_book(stores.database, [ANNA, BOB])
    assert first == (ImportCounts(added=2), ImportCounts(added=1))
    assert again == (ImportCounts(unchanged=2), ImportCounts(unchanged=1))
    assert book.persons([1, 2]) == before


def test_a_person_has_what_its_draft_said(stores: Stores, book: ContactStore) -> None:
    import_book(stores.database, [ANNA])
    (anna,) = book.persons([book.by_addresses(["anna@example.com"])[0].person_id])
    assert (anna.full_name, anna.title, anna.birth_date) == (
        "Anna Berg",
        "Director",
        date(1980, 2, 29),
    )
    assert anna.addresses == ("Anna@example.com", "anna@münchen.example")
    assert anna.phones == (Phone(PhoneKind.MOBILE, "+47 1"), Phone(PhoneKind.OFFICE, "+47 2"))
    assert anna.contact == Contact(1, "Acme GmbH", "Sales", "")
    assert anna.registered == stores.now


def test_a_changed_person_keeps_its_ids_and_loses_what_is_gone(
    stores: Stores, book: ContactStore
) -> None:
    import_book(stores.database, [replace(ANNA, identity="7")])
    kept = book.by_addresses(["anna@münchen.example"])[0]
    stores.later(hours=1)
    changed = replace(
        ANNA,
        identity="7",
        full_name="Anna Fjord",
        addresses=["ANNA@münchen.example", "new@example.com"],
        phones=[],
        company=None,
    )
    counts, _ = import_book(stores.database, [changed])
    assert counts == ImportCounts(changed=1)
    found = book.by_addresses(["anna@xn--mnchen-3ya.example"])[0]
    assert (found.email_id, found.person_id) == (kept.email_id, kept.person_id)
    assert (found.address, found.full_name, found.contact_id) == (
        "ANNA@münchen.example",
        "Anna Fjord",
        0,
    )
    assert book.by_addresses(["anna@example.com"]) == []
    (anna,) = book.persons([kept.person_id])
    assert (anna.addresses, anna.phones) == (("ANNA@münchen.example", "new@example.com"), ())
    assert anna.updated > anna.registered


def test_a_company_that_is_only_named_keeps_what_it_has(stores: Stores, book: ContactStore) -> None:
    whole = CompanyDraft("Acme GmbH", "Sales", "NO 123", ["post@acme.example"])
    import_book(stores.database, [], [whole])
    _, companies = import_book(stores.database, [ANNA])
    assert companies == ImportCounts(unchanged=1)
    (found,) = book.by_addresses(["POST@acme.example"])
    assert (found.person_id, found.full_name) == (0, "")
    assert (found.contact_name, found.department, found.orgnr) == ("Acme GmbH", "Sales", "NO 123")
    (anna,) = book.by_addresses(["anna@example.com"])
    assert (anna.contact_id, anna.orgnr) == (found.contact_id, "NO 123")


def test_persons_who_share_an_address_are_all_found_the_oldest_first(
    stores: Stores, book: ContactStore
) -> None:
    shared = ["info@example.com"]
    import_book(
        stores.database,
        [PersonDraft("Zoe", addresses=shared), PersonDraft("Adam", addresses=shared)],
        [replace(ACME, addresses=shared)],
    )
    found = book.by_addresses(["INFO@example.com", "nobody@example.com", ""])
    assert [each.full_name for each in found] == ["Zoe", "Adam", ""]
    assert found[2].contact_name == "Acme GmbH"


def test_names_are_found_whatever_their_case_and_also_without_an_address(
    stores: Stores, book: ContactStore
) -> None:
    import_book(stores.database, [ANNA, PersonDraft("No Mail")], [replace(ACME, identity="x")])
    assert {each.address for each in book.by_name("  anna   BERG ")} == set(ANNA.addresses)
    (alone,) = book.by_name("no mail")
    assert (alone.email_id, alone.person_id > 0) == (0, True)
    assert [each.contact_name for each in book.by_name("acme gmbh")] == ["Acme GmbH"] * 2
    assert book.by_name("") == book.by_name("nobody") == []


def test_ids_of_addresses_are_looked_up_as_far_as_they_exist(
    stores: Stores, book: ContactStore
) -> None:
    import_book(stores.database, [ANNA])
    first, second = book.by_addresses(ANNA.addresses)
    assert book.by_email_ids([second.email_id, 999, first.email_id]) == [first, second]
    assert book.by_email_ids([]) == book.persons([999]) == []


def test_more_keys_than_a_statement_takes_are_looked_up(stores: Stores, book: ContactStore) -> None:
    import_book(stores.database, [BOB])
    many = [f"a{n}@example.com" for n in range(12_000)]
    assert [each.full_name for each in book.by_addresses([*many, "bob@example.com"])] == ["Bob"]


def test_an_address_of_any_length_is_stored_and_found(stores: Stores, book: ContactStore) -> None:
    long = f"{'x' * 9000}@example.com"
    import_book(stores.database, [PersonDraft("L" * 9000, addresses=[long])])
    assert book.by_addresses([long])[0].full_name == "L" * 9000


def test_an_address_of_an_account_names_its_associate(stores: Stores, book: ContactStore) -> None:
    anna = stores.associate()
    account = stores.account(anna, "Anna@MÜNCHEN.example")
    asked = "anna@xn--mnchen-3ya.example"
    assert book.associates_by_address([asked, "x@example.com"]) == {
        "anna@münchen.example": anna.associate_id
    }
    stores.accounts.delete(account.account_id)
    assert book.associates_by_address([asked]) == {}


def test_look_ups_use_their_indexes(stores: Stores, book: ContactStore) -> None:
    if stores.database.product != "SQLite":
        return  # PostgreSQL plans by the number of rows, of which there are none here
    import_book(stores.database, [ANNA])
    plans: list[str] = []

    def explain(connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            plans.extend(row[-1] for row in rows)

    event.listen(Engine, "before_cursor_execute", explain)
    try:
        book.by_addresses(["anna@example.com"])
        book.by_name("Anna Berg")
        book.associates_by_address(["anna@example.com"])
        book.persons([1])
    finally:
        event.remove(Engine, "before_cursor_execute", explain)
    assert plans
    assert [plan for plan in plans if plan.startswith("SCAN")] == []
