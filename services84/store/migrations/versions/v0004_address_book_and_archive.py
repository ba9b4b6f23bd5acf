"""The address book, the archive, and documents that are on their way into it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TABLES = ("temp_document", "document_source", "document", "phone", "email", "person", "contact")


def upgrade() -> None:
    _contact()
    _person()
    _email()
    _phone()
    _document()
    _temp_document()


def downgrade() -> None:
    for name in _TABLES:
        op.drop_table(name)


def _texts(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _numbers(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Integer(), nullable=False) for name in names]


def _optional(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Integer(), nullable=True) for name in names]


def _moments(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.DateTime(timezone=True), nullable=False) for name in names]


def _key(table: str, column: str, target: str, ondelete: str | None = None) -> Any:
    return sa.ForeignKeyConstraint(
        [column], [target], name=f"fk_{table}_{column}", ondelete=ondelete
    )


def _long_text_index(name: str, table: str, column: str) -> None:
    filled = sa.text(f"{column} <> ''")
    op.create_index(
        name, table, [column], postgresql_using="hash", postgresql_where=filled, sqlite_where=filled
    )


def _contact() -> None:
    op.create_table(
        "contact",
        *_numbers("contact_id"),
        *_texts("name", "name_key", "department", "orgnr", "import_key", "import_digest"),
        *_moments("registered", "updated"),
        sa.PrimaryKeyConstraint("contact_id", name="pk_contact"),
        sa.UniqueConstraint("import_key", name="uq_contact_import_key"),
        sqlite_autoincrement=True,
    )
    _long_text_index("ix_contact_name_key", "contact", "name_key")


def _person() -> None:
    op.create_table(
        "person",
        *_numbers("person_id"),
        *_optional("contact_id"),
        *_texts("firstname", "middle_name", "lastname", "full_name", "name_key"),
        *_texts("mrmrs", "title", "person_number", "description"),
        sa.Column("birth_date", sa.Date(), nullable=True),
        *_texts("import_key", "import_digest"),
        *_moments("registered", "updated"),
        sa.PrimaryKeyConstraint("person_id", name="pk_person"),
        sa.UniqueConstraint("import_key", name="uq_person_import_key"),
        _key("person", "contact_id", "contact.contact_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_person_contact_id", "person", ["contact_id"])
    _long_text_index("ix_person_name_key", "person", "name_key")


def _email() -> None:
    op.create_table(
        "email",
        *_numbers("email_id"),
        *_optional("contact_id", "person_id"),
        *_texts("email_address", "address_key"),
        *_numbers("rank"),
        *_moments("registered"),
        sa.PrimaryKeyConstraint("email_id", name="pk_email"),
        _key("email", "contact_id", "contact.contact_id", "CASCADE"),
        _key("email", "person_id", "person.person_id", "CASCADE"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_email_contact_id", "email", ["contact_id"])
    op.create_index("ix_email_person_id", "email", ["person_id"])
    _long_text_index("ix_email_address_key", "email", "address_key")


def _phone() -> None:
    op.create_table(
        "phone",
        *_numbers("phone_id", "person_id"),
        *_texts("kind", "phone"),
        *_numbers("rank"),
        sa.PrimaryKeyConstraint("phone_id", name="pk_phone"),
        _key("phone", "person_id", "person.person_id", "CASCADE"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_phone_person_id", "phone", ["person_id"])


def _document() -> None:
    op.create_table(
        "document",
        *_numbers("document_id", "associate_id"),
        *_texts("name", "header", "our_ref", "your_ref", "attention", "description", "extref"),
        *_optional("contact_id", "person_id"),
        *_numbers("appointment_id", "project_id", "sale_id"),
        *_moments("date", "registered"),
        *_numbers("registered_associate_id"),
        *_moments("updated"),
        sa.PrimaryKeyConstraint("document_id", name="pk_document"),
        _key("document", "associate_id", "associate.associate_id"),
        _key("document", "contact_id", "contact.contact_id"),
        _key("document", "person_id", "person.person_id"),
        _key("document", "registered_associate_id", "associate.associate_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_document_associate_id", "document", ["associate_id"])
    _long_text_index("ix_document_name", "document", "name")
    _long_text_index("ix_document_extref", "document", "extref")
    op.create_table(
        "document_source",
        *_numbers("document_id"),
        sa.Column("mime", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("document_id", name="pk_document_source"),
        _key("document_source", "document_id", "document.document_id", "CASCADE"),
    )


def _temp_document() -> None:
    op.create_table(
        "temp_document",
        *_texts("name"),
        *_numbers("associate_id"),
        sa.Column("mime", sa.LargeBinary(), nullable=False),
        *_moments("registered", "expires"),
        sa.PrimaryKeyConstraint("name", name="pk_temp_document"),
        _key("temp_document", "associate_id", "associate.associate_id", "CASCADE"),
    )
    op.create_index("ix_temp_document_expires", "temp_document", ["expires"])
