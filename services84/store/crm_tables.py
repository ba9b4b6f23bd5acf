"""The tables of the address book and of the archive; see `tables` for what holds for all.

Named as the vendor's are, with the columns that the carriers have a member for. The database's
`schema` imports this module, so that the metadata is whole wherever there is a database.
"""

from __future__ import annotations

from sqlalchemy import Column, Date, Index, LargeBinary, Table

from services84.store.tables import (
    _IDS_STAY,
    _id,
    _long_text_index,
    _moment,
    _number,
    _reference,
    _text,
    metadata,
)

# The address book -------------------------------------------------------------------------------

contact = Table(
    "contact",  # a company or another organisation
    metadata,
    _id("contact_id"),
    _text("name"),
    _text("name_key"),  # folded, for lookups without regard to case
    _text("department"),
    _text("orgnr"),
    _text("import_key", unique=True),  # a hash: by what the same entry is known again
    _text("import_digest"),  # a hash: of what it held when it was imported
    _moment("registered"),
    _moment("updated"),
    _long_text_index("ix_contact_name_key", "name_key"),
    **_IDS_STAY,
)

person = Table(
    "person",
    metadata,
    _id("person_id"),
    _reference("contact_id", "contact.contact_id", cascade=False, nullable=True),
    _text("firstname"),
    _text("middle_name"),
    _text("lastname"),
    _text("full_name"),
    _text("name_key"),
    _text("mrmrs"),
    _text("title"),
    _text("person_number"),
    _text("description"),
    Column("birth_date", Date),
    _text("import_key", unique=True),
    _text("import_digest"),
    _moment("registered"),
    _moment("updated"),
    Index("ix_person_contact_id", "contact_id"),
    _long_text_index("ix_person_name_key", "name_key"),
    **_IDS_STAY,
)

email = Table(
    "email",  # an address of a person, or of a contact alone
    metadata,
    _id("email_id"),
    _reference("contact_id", "contact.contact_id", nullable=True),
    _reference("person_id", "person.person_id", nullable=True),
    _text("email_address"),
    _text("address_key"),
    _number("rank"),
    _moment("registered"),
    Index("ix_email_contact_id", "contact_id"),
    Index("ix_email_person_id", "person_id"),
    _long_text_index("ix_email_address_key", "address_key"),
    **_IDS_STAY,
)

phone = Table(
    "phone",
    metadata,
    _id("phone_id"),
    _reference("person_id", "person.person_id"),
    _text("kind"),
    _text("phone"),
    _number("rank"),
    Index("ix_phone_person_id", "person_id"),
    **_IDS_STAY,
)

# The archive ------------------------------------------------------------------------------------

document = Table(
    "document",
    metadata,
    _id("document_id"),
    _reference("associate_id", "associate.associate_id", cascade=False),
    _text("name"),
    _text("header"),
    _text("our_ref"),
    _text("your_ref"),
    _text("attention"),
    _text("description"),
    _text("extref"),  # of a mail its Message-ID
    _reference("contact_id", "contact.contact_id", cascade=False, nullable=True),
    _reference("person_id", "person.person_id", cascade=False, nullable=True),
    # These three are kept for whoever gave them; what they name is not kept here.
    _number("appointment_id"),
    _number("project_id"),
    _number("sale_id"),
    _moment("date"),
    _moment("registered"),
    _reference("registered_associate_id", "associate.associate_id", cascade=False),
    _moment("updated"),
    Index("ix_document_associate_id", "associate_id"),
    _long_text_index("ix_document_name", "name"),
    _long_text_index("ix_document_extref", "extref"),
    **_IDS_STAY,
)

document_source = Table(
    "document_source",
    metadata,
    _reference("document_id", "document.document_id", primary_key=True, autoincrement=False),
    Column("mime", LargeBinary, nullable=False),  # as in email_source
)

temp_document = Table(
    "temp_document",
    metadata,
    _text("name", primary_key=True),
    _reference("associate_id", "associate.associate_id"),
    Column("mime", LargeBinary, nullable=False),
    _moment("registered"),
    _moment("expires"),
    Index("ix_temp_document_expires", "expires"),
)
