"""Operations that ask the address book who has a mail address, and the look-up for messages.

The book is everybody's who may call. Spellings of an address do not matter (`address_key`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from services84.agents.call import Call
from services84.agents.people import (
    book_address,
    company_entity,
    contact_or_person,
    known_address,
    person_entity,
)
from services84.agents.registry import operation
from services84.carriers.address import (
    ArrayOfContactOrPersonFromEmail,
    ArrayOfEMailAddress,
    ContactOrPersonFromEmail,
    EMailAddress,
)
from services84.carriers.base import ArrayOfInt, String
from services84.carriers.message import EMailEntity
from services84.carriers.person import ArrayOfPersonEntity, PersonEntity
from services84.errors import InvalidValue, NotFound
from services84.mime.addresses import address_list
from services84.store.address_keys import address_key
from services84.store.crm_values import BookAddress, Person
from services84.store.sql import folded

MOST_IDS = 10_000  # of one GetEMailAddresses
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@operation("GetPersonEntitiesFromEmailAddress", returns=ArrayOfPersonEntity, EmailAddress=String)
def get_person_entities_from_email_address(call: Call, address: str | None) -> list[PersonEntity]:
    """Give all persons who have a mail address, and the companies whose own it is."""
    found = call.services.contacts.by_addresses([_asked("EmailAddress", address)])
    persons = call.services.contacts.persons({each.person_id for each in found if each.person_id})
    associates = call.services.contacts.associates_by_address(
        address for person in persons for address in person.addresses
    )
    return [
        *(_with_associate(call, person, associates) for person in persons),
        *(company_entity(each) for each in found if not each.person_id),
    ]


@operation("FindAddress", returns=ArrayOfEMailAddress, Address=String)
def find_address(call: Call, address: str | None) -> list[EMailAddress]:
    """Give a mail address with each person and company who has it; nothing when nobody has it."""
    asked = _asked("Address", address)
    found = call.services.contacts.by_addresses([asked])
    if found:
        return _shown(call, found)
    associate_id = call.services.contacts.associates_by_address([asked]).get(address_key(asked))
    associate = call.services.principals.associate(associate_id) if associate_id else None
    if associate is None:
        return []
    carrier = EMailAddress(Address=asked, Name=associate.full_name or associate.name)
    return [known_address(carrier, None, associate_id=associate.associate_id)]


@operation("GetEMailAddresses", returns=ArrayOfEMailAddress, EmailIds=ArrayOfInt)
def get_email_addresses(call: Call, email_ids: list[int] | None) -> list[EMailAddress]:
    """Give addresses of the address book by their ids, in the order of these."""
    wanted = email_ids or []
    if len(wanted) > MOST_IDS:
        raise InvalidValue("EmailIds", len(wanted), f"are more than {MOST_IDS} ids")
    found = {each.email_id: each for each in call.services.contacts.by_email_ids(wanted)}
    missing = next((one for one in wanted if one not in found), None)
    if missing is not None:
        raise NotFound(f"no mail address {missing}", parameters={"EmailId": str(missing)})
    return _shown(call, [found[one] for one in wanted])


@operation(
    "FindContactOrPersonByEmailName",
    returns=ArrayOfContactOrPersonFromEmail,
    Name=String,
    EmailAddress=String,
)
def find_contact_or_person_by_email_name(
    call: Call, name: str | None, address: str | None
) -> list[ContactOrPersonFromEmail]:
    """Give the persons and companies that both a sender's name and address fit.

    Of the two one may be empty; the other decides alone then.
    """
    wanted = " ".join((name or "").split())
    book = call.services.contacts
    if (address or "").strip():
        found = book.by_addresses([_asked("EmailAddress", address)])
        return [contact_or_person(each) for each in found if not wanted or _is_called(each, wanted)]
    if not wanted:
        raise InvalidValue("Name", "", "is empty, as is EmailAddress; one of them is required")
    called = {each: None for spelling in _spellings(wanted) for each in book.by_name(spelling)}
    return [contact_or_person(each) for each in called]


# Looking up what messages hold ------------------------------------------------------------------


def look_up(call: Call, carriers: Iterable[EMailAddress | None]) -> None:
    """Write into addresses whom the book knows by them, and which associate's account they are.

    Of several persons the one who has been in the book for longest counts; all are listed.
    """
    known = [carrier for carrier in carriers if carrier is not None and carrier.Address]
    if not known:
        return
    addresses = [carrier.Address for carrier in known]
    associates = call.services.contacts.associates_by_address(addresses)
    owners = _by_key(call.services.contacts.by_addresses(addresses))
    for carrier in known:
        key = address_key(carrier.Address)
        found = owners.get(key, [])
        known_address(
            carrier,
            found[0] if found else None,
            associate_id=associates.get(key, 0),
            sharing=_persons(found),
        )


def look_up_all(call: Call, entities: Iterable[EMailEntity]) -> None:
    """`look_up` for the senders and recipients of messages, in one go."""
    look_up(
        call,
        [
            carrier
            for entity in entities
            for carrier in (
                entity.From,
                *(entity.To or ()),
                *(entity.Cc or ()),
                *(entity.Bcc or ()),
            )
        ],
    )


def _shown(call: Call, found: Sequence[BookAddress]) -> list[EMailAddress]:
    """Addresses of the book, with who else has them."""
    book = call.services.contacts
    addresses = [each.address for each in found]
    associates = book.associates_by_address(addresses)
    owners = _by_key(book.by_addresses(addresses))
    return [
        book_address(
            each,
            associate_id=associates.get(each.address_key, 0),
            sharing=_persons(owners.get(each.address_key, [])),
        )
        for each in found
    ]


def _by_key(found: Iterable[BookAddress]) -> dict[str, list[BookAddress]]:
    owners: dict[str, list[BookAddress]] = {}
    for each in found:
        owners.setdefault(each.address_key, []).append(each)
    return owners


def _persons(found: Iterable[BookAddress]) -> set[int]:
    return {each.person_id for each in found if each.person_id}


def _with_associate(call: Call, person: Person, associates: dict[str, int]) -> PersonEntity:
    keys = map(address_key, person.addresses)
    associate_id = next((associates[key] for key in keys if key in associates), 0)
    associate = call.services.principals.associate(associate_id) if associate_id else None
    return person_entity(person, associate)


def _is_called(found: BookAddress, name: str) -> bool:
    called = {folded(text) for text in (found.full_name, found.contact_name) if text}
    return not called.isdisjoint(map(folded, _spellings(name)))


def _spellings(name: str) -> list[str]:
    """A name as it stands, and with the family name after the comma: `Berg, Anna`."""
    last, comma, first = name.partition(",")
    return [name, f"{first.strip()} {last.strip()}"] if comma and first.strip() else [name]


def _asked(member: str, text: str | None) -> str:
    """The address that a caller asks for; it may be given as in a header field."""
    address = (text or "").strip()
    if not address:
        raise InvalidValue(member, "", "is empty; a mail address is required")
    if _CONTROL.search(address):
        raise InvalidValue(member, address, "has a control character or a line break")
    if "<" in address:
        found = [each.address for each in address_list(address) if each.address]
        if len(found) != 1:
            raise InvalidValue(member, address, "is not one mail address")
        return found[0]
    return address
