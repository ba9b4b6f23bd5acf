"""The archive: documents with their bytes, and temporary ones on their way into it.

Whose document it is stands in its row; who may see it is decided by whoever asks.
"""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, insert, select

from services84.errors import StoreError
from services84.store.compression import compress
from services84.store.crm_tables import document, document_source, temp_document
from services84.store.crm_values import Document, DocumentDraft, DocumentLinks
from services84.store.database import Database
from services84.store.sql import chunks
from services84.store.tables import associate

_NAME_BYTES = 24  # of a temporary document's name, which is all that one needs to know
_DOCUMENT = (
    document.c.document_id,
    document.c.associate_id,
    document.c.name,
    document.c.header,
    document.c.extref,
    document.c.contact_id,
    document.c.person_id,
    document.c.appointment_id,
    document.c.project_id,
    document.c.sale_id,
    document.c.registered,
    document.c.registered_associate_id,
    associate.c.full_name,
    associate.c.name,
)


class DocumentStore:
    """Documents, each method one short transaction. All methods raise StoreError."""

    def __init__(self, database: Database) -> None:
        self.database = database

    # The archive ---------------------------------------------------------------------------------

    def archive(self, draft: DocumentDraft, source: bytes) -> Document:
        """Put a mail's bytes into the archive."""
        packed = compress(source)
        with self.database.transaction() as connection:
            document_id = self._insert(connection, draft, packed)
            return _one(connection, document.c.document_id == document_id)

    def archive_temporary(self, name: str, draft: DocumentDraft, now: datetime) -> Document | None:
        """Turn a temporary document into an archived one, in one step; None when there is none
        of this name that belongs to `draft.archived_by`."""
        with self.database.transaction() as connection:
            taken = connection.execute(
                delete(temp_document)
                .where(*_is(name, draft.archived_by, now))
                .returning(temp_document.c.mime)
            ).scalar_one_or_none()
            if taken is None:
                return None
            document_id = self._insert(connection, draft, taken)
            return _one(connection, document.c.document_id == document_id)

    def get(self, document_id: int) -> Document | None:
        """The document of this id."""
        return self._newest(document.c.document_id == document_id)

    def by_name(self, associate_id: int, name: str) -> Document | None:
        """The associate's newest document of this file name."""
        return self._newest(
            document.c.associate_id == associate_id,
            document.c.name == name,
            document.c.name != "",
        )

    def by_external_reference(self, associate_id: int, reference: str) -> Document | None:
        """The associate's newest document of this reference: of a mail its Message-ID."""
        return self._newest(
            document.c.associate_id == associate_id,
            document.c.extref == reference,
            document.c.extref != "",
        )

    def by_external_references(
        self, associate_id: int, references: Sequence[str]
    ) -> dict[str, Document]:
        """Reference → the associate's newest document of it, for those that have one."""
        # Ordered here: for an order the databases would go through all that the associate has.
        query = _documents().where(document.c.extref != "")
        found: list[Document] = []
        with self.database.reading() as connection:
            for some in chunks(sorted(set(references) - {""})):
                rows = connection.execute(query.where(document.c.extref.in_(some)))
                found += map(_document, rows)
        own = [each for each in found if each.associate_id == associate_id]
        return {each.extref: each for each in sorted(own, key=lambda each: each.document_id)}

    def source(self, document_id: int) -> bytes | None:
        """The document's bytes as they were archived."""
        with self.database.reading() as connection:
            packed = connection.execute(
                select(document_source.c.mime).where(document_source.c.document_id == document_id)
            ).scalar_one_or_none()
        return None if packed is None else _unpacked(packed, f"document {document_id}")

    def _newest(self, *conditions: Any) -> Document | None:
        query = _documents().where(*conditions).order_by(document.c.document_id.desc()).limit(1)
        with self.database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _document(row)

    def _insert(self, connection: Connection, draft: DocumentDraft, packed: bytes) -> int:
        now = self.database.clock()
        links = draft.links
        document_id = connection.execute(
            insert(document)
            .values(
                associate_id=draft.associate_id,
                name=draft.name,
                header=draft.header,
                our_ref=draft.our_ref,
                your_ref=draft.your_ref,
                attention=draft.attention,
                description=draft.description,
                extref=draft.extref,
                contact_id=links.contact_id or None,
                person_id=links.person_id or None,
                appointment_id=links.appointment_id,
                project_id=links.project_id,
                sale_id=links.sale_id,
                date=draft.date,
                registered=now,
                registered_associate_id=draft.archived_by,
                updated=now,
            )
            .returning(document.c.document_id)
        ).scalar_one()
        connection.execute(insert(document_source).values(document_id=document_id, mime=packed))
        return int(document_id)

    # Temporary documents -------------------------------------------------------------------------

    def save_temporary(self, associate_id: int, source: bytes, expires: datetime) -> str:
        """Keep a mail's bytes until they are archived or have expired; gives the file name, which
        nobody can guess. Those that have expired go."""
        name = f"{secrets.token_urlsafe(_NAME_BYTES)}.eml"
        packed, now = compress(source), self.database.clock()
        with self.database.transaction() as connection:
            connection.execute(delete(temp_document).where(temp_document.c.expires <= now))
            connection.execute(
                insert(temp_document).values(
                    name=name,
                    associate_id=associate_id,
                    mime=packed,
                    registered=now,
                    expires=expires,
                )
            )
        return name

    def temporary(self, associate_id: int, name: str, now: datetime) -> bytes | None:
        """The bytes of an associate's temporary document; None for another's or an expired one."""
        query = select(temp_document.c.mime).where(*_is(name, associate_id, now))
        with self.database.reading() as connection:
            packed = connection.execute(query).scalar_one_or_none()
        return None if packed is None else _unpacked(packed, "a temporary document")


def _is(name: str, associate_id: int, now: datetime) -> tuple[Any, ...]:
    return (
        temp_document.c.name == name,
        temp_document.c.associate_id == associate_id,
        temp_document.c.expires > now,
    )


def _documents() -> Select[Any]:
    return select(*_DOCUMENT).join_from(
        document, associate, associate.c.associate_id == document.c.registered_associate_id
    )


def _one(connection: Connection, condition: Any) -> Document:
    return _document(connection.execute(_documents().where(condition)).one())


def _document(row: Sequence[Any]) -> Document:
    return Document(
        document_id=row[0],
        associate_id=row[1],
        name=row[2],
        header=row[3],
        extref=row[4],
        links=DocumentLinks(*(linked or 0 for linked in row[5:10])),
        archived_at=row[10],
        archived_by=row[11],
        archived_by_name=row[12] or row[13],
    )


def _unpacked(packed: bytes, what: str) -> bytes:
    try:
        return zlib.decompress(packed)
    except zlib.error as error:
        raise StoreError(f"the stored bytes of {what} are damaged") from error
