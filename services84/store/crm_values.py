"""Values of the address book and the archive; plain, frozen, and free of SQL (see `values`)."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

# The address book -------------------------------------------------------------------------------


class PhoneKind(enum.StrEnum):
    """Which of a PersonEntity's lists a number belongs to."""

    OFFICE = "office"
    MOBILE = "mobile"
    PRIVATE = "private"
    FAX = "fax"
    OTHER = "other"


@dataclass(frozen=True)
class CompanyDraft:
    """A company to be imported. It is known again by `identity` or, where that is empty, by its
    name and department."""

    name: str
    department: str = ""
    orgnr: str = ""
    addresses: Sequence[str] = ()
    identity: str = ""


@dataclass(frozen=True)
class PersonDraft:
    """A person to be imported, with all that its source knows: what it leaves out is removed.

    Known again by `identity` or, where that is empty, by the full name with the first address or,
    without one, with the company. Of the company only the name and the department are looked at.
    """

    full_name: str
    firstname: str = ""
    middle_name: str = ""
    lastname: str = ""
    mrmrs: str = ""
    title: str = ""
    person_number: str = ""
    description: str = ""
    birth_date: date | None = None
    addresses: Sequence[str] = ()
    phones: Sequence[tuple[PhoneKind, str]] = ()
    company: CompanyDraft | None = None
    identity: str = ""


@dataclass(frozen=True)
class ImportCounts:
    """What an import did to the entries of one kind."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0


@dataclass(frozen=True)
class Contact:
    """A company or another organisation."""

    contact_id: int
    name: str
    department: str
    orgnr: str


@dataclass(frozen=True)
class Phone:
    """A telephone number of a person."""

    kind: PhoneKind
    number: str


@dataclass(frozen=True)
class Person:
    """A person with its addresses, the preferred one first, and the company it belongs to."""

    person_id: int
    firstname: str
    middle_name: str
    lastname: str
    full_name: str
    mrmrs: str
    title: str
    person_number: str
    description: str
    birth_date: date | None
    registered: datetime
    updated: datetime
    contact: Contact | None
    addresses: Sequence[str] = ()
    phones: Sequence[Phone] = ()


@dataclass(frozen=True)
class BookAddress:
    """A row of email with its owner. `person_id` is 0 for a company's own address, `contact_id`
    for a person without a company. `department` is the company's."""

    email_id: int
    address: str
    address_key: str
    person_id: int
    full_name: str
    contact_id: int
    contact_name: str
    department: str
    orgnr: str


# The archive ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DocumentLinks:
    """What a document is filed under; 0 is nothing. Contact and person are of the address book."""

    contact_id: int = 0
    person_id: int = 0
    appointment_id: int = 0
    project_id: int = 0
    sale_id: int = 0


@dataclass(frozen=True)
class DocumentDraft:
    """A document to be archived for `associate_id`, by `archived_by`. `name` is a file name,
    `header` a title, `extref` of a mail its Message-ID."""

    associate_id: int
    archived_by: int
    name: str
    header: str
    date: datetime
    extref: str = ""
    our_ref: str = ""
    your_ref: str = ""
    attention: str = ""
    description: str = ""
    links: DocumentLinks = field(default_factory=DocumentLinks)


@dataclass(frozen=True)
class Document:
    """An archived document without its bytes."""

    document_id: int
    associate_id: int
    name: str
    header: str
    extref: str
    links: DocumentLinks
    archived_at: datetime
    archived_by: int
    archived_by_name: str
