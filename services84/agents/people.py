"""Between the address book and the carriers that show it; no decisions, no I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from services84.carriers.address import ContactOrPersonFromEmail, EMailAddress
from services84.carriers.associate import Associate
from services84.carriers.contact import Contact
from services84.carriers.person import EntityElement, PersonEntity
from services84.carriers.principal import UserType
from services84.store import crm_values, values
from services84.store.crm_values import BookAddress, Person, PhoneKind


def book_address(
    found: BookAddress, *, associate_id: int = 0, sharing: Collection[int] = ()
) -> EMailAddress:
    """An address of the book. `sharing` are the ids of all persons who have it; they are listed
    where there are several."""
    return known_address(
        EMailAddress(Address=found.address, Name=found.full_name or found.contact_name),
        found,
        associate_id=associate_id,
        sharing=sharing,
    )


def known_address(
    carrier: EMailAddress,
    found: BookAddress | None,
    *,
    associate_id: int = 0,
    sharing: Collection[int] = (),
) -> EMailAddress:
    """`carrier` with what is known of its owner written into it."""
    carrier.ContactId = found.contact_id if found else 0
    carrier.ContactName = found.contact_name if found else ""
    carrier.PersonId = found.person_id if found else 0
    carrier.PersonName = found.full_name if found else ""
    carrier.EmailId = found.email_id if found else 0
    carrier.AssociateId = associate_id
    carrier.DuplicatePersonIds = sorted(sharing) if len(sharing) > 1 else []
    return carrier


def contact_or_person(found: BookAddress) -> ContactOrPersonFromEmail:
    """A person or a company who was found by name or address."""
    return ContactOrPersonFromEmail(
        PersonId=found.person_id,
        FullName=found.full_name,
        EmailAddress=found.address,
        ContactId=found.contact_id,
        ContactName=found.contact_name,
        ContactDepartment=found.department,
        SortName=found.full_name or found.contact_name,
    )


def person_entity(person: Person, associate: values.Associate | None = None) -> PersonEntity:
    """A person of the book; `associate` is the user that this person is."""
    return PersonEntity(
        PersonId=person.person_id,
        Firstname=person.firstname,
        MiddleName=person.middle_name,
        Lastname=person.lastname,
        Mrmrs=person.mrmrs,
        Title=person.title,
        UpdatedDate=person.updated,
        CreatedDate=person.registered,
        # A day, which no time zone may move: without one.
        BirthDate=person.birth_date and datetime.combine(person.birth_date, datetime.min.time()),
        Emails=_elements(person.addresses),
        Description=person.description,
        IsAssociate=associate is not None,
        PrivatePhones=_phones(person, PhoneKind.PRIVATE),
        Faxes=_phones(person, PhoneKind.FAX),
        MobilePhones=_phones(person, PhoneKind.MOBILE),
        OfficePhones=_phones(person, PhoneKind.OFFICE),
        OtherPhones=_phones(person, PhoneKind.OTHER),
        Contact=contact_carrier(person.contact) if person.contact else None,
        PersonNumber=person.person_number,
        FullName=person.full_name,
        FormalName=" ".join(filter(None, (person.mrmrs, person.full_name))),
        CorrespondingAssociate=associate and associate_carrier(associate),
    )


def company_entity(found: BookAddress) -> PersonEntity:
    """A company that has an address of its own, as a person that is nobody (PersonId 0)."""
    company = crm_values.Contact(
        found.contact_id, found.contact_name, found.department, found.orgnr
    )
    carrier = contact_carrier(company)
    carrier.EmailAddress = found.address
    return PersonEntity(
        PersonId=0,
        FullName="",
        Emails=_elements([found.address]),
        IsAssociate=False,
        Contact=carrier,
    )


def contact_carrier(contact: crm_values.Contact) -> Contact:
    """A company of the book."""
    return Contact(
        ContactId=contact.contact_id,
        Name=contact.name,
        OrgNr=contact.orgnr,
        Department=contact.department,
        FullName=", ".join(filter(None, (contact.name, contact.department))),
    )


def associate_carrier(associate: values.Associate) -> Associate:
    """A user of the service, as others see it."""
    return Associate(
        AssociateId=associate.associate_id,
        Name=associate.name,
        Type=UserType.InternalAssociate,
        FullName=associate.full_name,
        FormalName=associate.full_name,
        Deleted=False,
    )


def _elements(texts: Iterable[str]) -> list[EntityElement]:
    return [EntityElement(Value=text, StrippedValue=text, Description="") for text in texts]


def _phones(person: Person, kind: PhoneKind) -> list[EntityElement]:
    return [
        EntityElement(
            Value=phone.number,
            StrippedValue="".join(c for c in phone.number if c.isdigit() or c == "+"),
            Description="",
        )
        for phone in person.phones
        if phone.kind is kind
    ]
