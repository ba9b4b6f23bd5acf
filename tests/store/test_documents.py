"""The archive gives back the very bytes; temporary documents are their owner's, for a time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from services84.errors import StoreError
from services84.store.book_import import import_book
from services84.store.crm_tables import document_source, temp_document
from services84.store.crm_values import DocumentDraft, DocumentLinks, PersonDraft
from services84.store.documents import DocumentStore
from services84.store.values import Associate
from tests.store.conftest import Stores

MAIL = b"From: a@example.com\r\nSubject: \xff\x00\r\n\r\n" + b"body\n" * 5000
HOUR = timedelta(hours=1)


@pytest.fixture
def archive(stores: Stores) -> DocumentStore:
    return DocumentStore(stores.database)


def draft(owner: Associate, stores: Stores, **values: object) -> DocumentDraft:
    given = {"name": "mail.eml", "header": "Hello", "date": stores.now, "extref": "<1@example.com>"}
    return DocumentDraft(owner.associate_id, owner.associate_id, **{**given, **values})  # type: ignore[arg-type]


def test_an_unknown_document_is_none(stores: Stores, archive: DocumentStore) -> None:
    anna = stores.associate().associate_id
    assert archive.get(1) is None
    assert archive.source(1) is None
    assert archive.by_name(anna, "") is archive.by_external_reference(anna, "") is None
    assert archive.by_external_references(anna, ["", "<x>"]) == {}


def test_a_link_to_nobody_archives_nothing(stores: Stores, archive: DocumentStore) -> None:
    anna = stores.associate()
    with pytest.raises(StoreError):
        archive.archive(draft(anna, stores, links=DocumentLinks(person_id=99)), MAIL)
    assert archive.by_name(anna.associate_id, "mail.eml") is None


def test_an_archived_document_is_as_it_was_given(stores: Stores, archive: DocumentStore) -> None:
    anna = stores.associate("anna")
    import_book(stores.database, [PersonDraft("Bob")])
    links = DocumentLinks(person_id=1, appointment_id=5, project_id=6, sale_id=7)
    made = archive.archive(draft(anna, stores, links=links), MAIL)
    assert archive.source(made.document_id) == MAIL
    assert archive.get(made.document_id) == made
    assert (made.links, made.archived_by_name, made.archived_at) == (links, "anna", stores.now)
    assert archive.by_name(anna.associate_id, "mail.eml") == made
    assert archive.by_external_reference(anna.associate_id, "<1@example.com>") == made


def test_names_and_references_are_those_of_one_associate_and_the_newest_counts(
    stores: Stores, archive: DocumentStore
) -> None:
    anna, bob = stores.associate(), stores.associate()
    archive.archive(draft(anna, stores), b"old")
    new = archive.archive(draft(anna, stores), b"new")
    archive.archive(draft(bob, stores), b"foreign")
    assert archive.by_name(anna.associate_id, "mail.eml") == new
    assert archive.by_external_references(anna.associate_id, ["<1@example.com>", "<2>"]) == {
        "<1@example.com>": new
    }


def test_damaged_bytes_are_told_and_not_given(stores: Stores, archive: DocumentStore) -> None:
    made = archive.archive(draft(stores.associate(), stores), MAIL)
    with stores.database.transaction() as connection:
        connection.execute(update(document_source).values(mime=b"\x78\x01broken"))
    with pytest.raises(StoreError, match=f"document {made.document_id}"):
        archive.source(made.document_id)


def test_a_temporary_document_is_its_owners_until_it_expires(
    stores: Stores, archive: DocumentStore
) -> None:
    anna, bob = stores.associate().associate_id, stores.associate().associate_id
    name = archive.save_temporary(anna, MAIL, stores.now + HOUR)
    assert archive.temporary(anna, name, stores.now) == MAIL
    assert archive.temporary(bob, name, stores.now) is None
    assert archive.temporary(anna, name.upper(), stores.now) is None
    assert archive.temporary(anna, "", stores.now) is None
    assert archive.temporary(anna, name, stores.later(hours=1)) is None


def test_names_of_temporary_documents_cannot_be_guessed(
    stores: Stores, archive: DocumentStore
) -> None:
    anna = stores.associate().associate_id
    names = {archive.save_temporary(anna, MAIL, stores.now + HOUR) for _ in range(20)}
    assert len(names) == 20
    assert all(len(name) == 36 and name.endswith(".eml") for name in names)


def test_expired_documents_go_with_the_next_that_comes(
    stores: Stores, archive: DocumentStore
) -> None:
    anna = stores.associate().associate_id
    archive.save_temporary(anna, MAIL, stores.now + HOUR)
    stores.later(hours=2)
    archive.save_temporary(anna, MAIL, stores.now + HOUR)
    with stores.database.reading() as connection:
        left = connection.execute(select(func.count()).select_from(temp_document)).scalar_one()
    assert left == 1


def test_a_temporary_document_is_archived_once(stores: Stores, archive: DocumentStore) -> None:
    anna, bob = stores.associate(), stores.associate()
    name = archive.save_temporary(anna.associate_id, MAIL, stores.now + HOUR)
    assert archive.archive_temporary(name, draft(bob, stores, name=name), stores.now) is None
    made = archive.archive_temporary(name, draft(anna, stores, name=name), stores.now)
    assert made is not None
    assert archive.source(made.document_id) == MAIL
    assert archive.temporary(anna.associate_id, name, stores.now) is None
    assert archive.archive_temporary(name, draft(anna, stores, name=name), stores.now) is None
    assert archive.by_name(anna.associate_id, name) == made
