"""The address book as callers see it, and what messages learn from it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from services84.agents.call import Call, Presented
from services84.agents.email.addresses import look_up_all
from services84.carriers.address import EMailAddress
from services84.carriers.message import EMailEntity
from services84.namespaces import ARRAYS, SERVICES84
from services84.store.book_import import import_book
from services84.store.crm_values import CompanyDraft, PersonDraft, PhoneKind
from tests.support.service import Reply, Service, envelope

N = f"{{{SERVICES84}}}"
ACCOUNT = {
    "EMailAddress": "anna@münchen.example",
    "IncomingCredentials": {"Server": "imap.example.com", "Username": "u", "Password": "p"},
}


@pytest.fixture
def anna(service: Service) -> str:
    """A ticket; the book holds Anna, two Bobs who share an address, and a company."""
    acme = CompanyDraft("Acme GmbH", "Sales", "NO 1", ["post@acme.example"])
    import_book(
        service.services.database,
        [
            PersonDraft(
                "Anna Berg",
                firstname="Anna",
                lastname="Berg",
                mrmrs="Ms",
                birth_date=date(1980, 2, 29),
                addresses=["anna@münchen.example", "berg@example.com"],
                phones=[(PhoneKind.MOBILE, "+47 (22) 33"), (PhoneKind.FAX, "9")],
                company=acme,
            ),
            PersonDraft("Bob One", addresses=["bob@example.com"]),
            PersonDraft("Bob Two", addresses=["BOB@example.com"]),
        ],
        [acme],
    )
    _, ticket = service.associate("anna")
    return ticket


def members(reply: Reply, item: str) -> list[dict[str, str | None]]:
    """The items of a reply's array, by their members' names."""
    assert reply.succeeded, reply.exception
    return [
        {child.tag.removeprefix(N): child.text for child in each}
        for each in reply.body.iterfind(f"{N}Response/{N}{item}")
    ]


def by_ids(service: Service, ids: Sequence[int], ticket: str) -> Reply:
    items = "".join(f'<a:int xmlns:a="{ARRAYS}">{one}</a:int>' for one in ids)
    xml = f"<n:EmailIds>{items}</n:EmailIds>"
    return service.post(envelope("GetEMailAddresses", xml, ticket=ticket))


WRONG = [
    ("FindAddress", {"Address": ""}, "Address"),
    ("FindAddress", {"Address": "a@example.com\r\nb"}, "Address"),
    ("FindAddress", {"Address": "A <a@example.com>, B <b@example.com>"}, "Address"),
    ("GetPersonEntitiesFromEmailAddress", {"EmailAddress": None}, "EmailAddress"),
    ("FindContactOrPersonByEmailName", {"Name": " ", "EmailAddress": ""}, "Name"),
]


@pytest.mark.parametrize(("operation", "given", "named"), WRONG)
def test_what_is_no_question_is_named(
    service: Service, anna: str, operation: str, given: dict[str, Any], named: str
) -> None:
    reply = service.call(operation, given, ticket=anna)
    assert reply.exception["ExceptionType"] == "SoArgumentException"
    assert reply.exception["Message"].startswith(f"{named}: ")


@pytest.mark.parametrize(
    "address", ["nobody@example.com", "no address at all", "@", "x@xn--\u00e4"]
)
def test_an_address_that_nobody_has_finds_nobody(service: Service, anna: str, address: str) -> None:
    assert (
        members(service.call("FindAddress", {"Address": address}, ticket=anna), "EMailAddress")
        == []
    )
    persons = service.call(
        "GetPersonEntitiesFromEmailAddress", {"EmailAddress": address}, ticket=anna
    )
    assert members(persons, "PersonEntity") == []


def test_ids_that_do_not_exist_are_named_and_too_many_refused(service: Service, anna: str) -> None:
    reply = by_ids(service, [1, 99], anna)
    assert reply.exception["ExceptionType"] == "SoNotFoundException"
    assert "99" in reply.exception["Message"]
    assert "10000" in by_ids(service, [1] * 10_001, anna).exception["Message"]


@pytest.mark.parametrize(
    "address", ["Anna@xn--mnchen-3ya.EXAMPLE", " anna@MÜNCHEN.example", "A. <anna@münchen.example>"]
)
def test_an_address_is_found_in_every_spelling(service: Service, anna: str, address: str) -> None:
    (found,) = members(
        service.call("FindAddress", {"Address": address}, ticket=anna), "EMailAddress"
    )
    assert found["PersonName"] == found["Name"] == "Anna Berg"
    assert (found["ContactName"], found["Address"]) == ("Acme GmbH", "anna@münchen.example")
    assert found["DuplicatePersonIds"] is None
    assert int(found["EmailId"] or 0) > 0


def test_all_who_share_an_address_are_found_and_listed(service: Service, anna: str) -> None:
    reply = service.call("FindAddress", {"Address": "bob@example.com"}, ticket=anna)
    assert [each["PersonName"] for each in members(reply, "EMailAddress")] == ["Bob One", "Bob Two"]
    lists = reply.body.findall(f".//{N}DuplicatePersonIds")
    assert [[one.text for one in each] for each in lists] == [["2", "3"], ["2", "3"]]


def test_ids_give_their_addresses_in_the_order_asked_for(service: Service, anna: str) -> None:
    found = members(by_ids(service, [3, 1, 3], anna), "EMailAddress")
    assert [each["EmailId"] for each in found] == ["3", "1", "3"]
    assert members(by_ids(service, [], anna), "EMailAddress") == []


def test_a_person_is_given_with_all_that_the_book_knows(service: Service, anna: str) -> None:
    service.call("SaveEMailAccount", {"EMailAccount": ACCOUNT}, ticket=anna)
    reply = service.call(
        "GetPersonEntitiesFromEmailAddress", {"EmailAddress": "BERG@example.com"}, ticket=anna
    )
    (person,) = members(reply, "PersonEntity")
    assert (person["FullName"], person["FormalName"]) == ("Anna Berg", "Ms Anna Berg")
    assert (person["BirthDate"], person["IsAssociate"]) == ("1980-02-29T00:00:00", "true")
    path = "Response/PersonEntity/"
    assert reply.text(path + "Contact/OrgNr") == "NO 1"
    assert reply.text(path + "MobilePhones/EntityElement/StrippedValue") == "+472233"
    assert reply.text(path + "Faxes/EntityElement/Value") == "9"
    assert reply.text(path + "CorrespondingAssociate/Name") == "anna"
    emails = reply.body.findall(f".//{N}Emails/{N}EntityElement/{N}Value")
    assert [each.text for each in emails] == ["anna@münchen.example", "berg@example.com"]


def test_a_companys_own_address_gives_the_company(service: Service, anna: str) -> None:
    reply = service.call(
        "GetPersonEntitiesFromEmailAddress", {"EmailAddress": "post@acme.example"}, ticket=anna
    )
    (person,) = members(reply, "PersonEntity")
    assert person["PersonId"] == "0"
    assert reply.text("Response/PersonEntity/Contact/Name") == "Acme GmbH"


FOUND = [
    ({"Name": "bob TWO", "EmailAddress": "bob@example.com"}, ["Bob Two"]),
    ({"Name": "Two, Bob", "EmailAddress": "bob@example.com"}, ["Bob Two"]),
    ({"Name": "Anna Berg", "EmailAddress": "bob@example.com"}, []),
    ({"Name": None, "EmailAddress": "bob@example.com"}, ["Bob One", "Bob Two"]),
    ({"Name": "berg,  anna"}, ["Anna Berg", "Anna Berg"]),
    ({"Name": "acme gmbh", "EmailAddress": ""}, ["Acme GmbH"]),
]


@pytest.mark.parametrize(("given", "names"), FOUND)
def test_senders_are_found_by_name_and_address(
    service: Service, anna: str, given: dict[str, Any], names: list[str]
) -> None:
    reply = service.call("FindContactOrPersonByEmailName", given, ticket=anna)
    assert [each["SortName"] for each in members(reply, "ContactOrPersonFromEmail")] == names


def test_an_associates_own_address_is_known_without_the_book(service: Service) -> None:
    found, ticket = service.associate("berit")
    service.call("SaveEMailAccount", {"EMailAccount": ACCOUNT}, ticket=ticket)
    reply = service.call("FindAddress", {"Address": "anna@xn--mnchen-3ya.example"}, ticket=ticket)
    (address,) = members(reply, "EMailAddress")
    assert (address["AssociateId"], address["Name"]) == (str(found.associate_id), "Berit")
    assert address["PersonId"] == "0"


def test_messages_learn_who_their_senders_and_recipients_are(service: Service, anna: str) -> None:
    call = Call(service.services, Presented(), service.services.clock())
    message = EMailEntity(
        From=EMailAddress(Address="POST@acme.example"),
        To=[EMailAddress(Address="bob@example.com", Name="Robert"), EMailAddress(Address="x@y")],
        Cc=[EMailAddress(Address=""), None],
    )
    look_up_all(call, [message, EMailEntity()])
    assert (message.From.ContactName, message.From.PersonId) == ("Acme GmbH", 0)
    bob, nobody = message.To
    assert (bob.Name, bob.PersonName, bob.DuplicatePersonIds) == ("Robert", "Bob One", [2, 3])
    assert (nobody.PersonId, nobody.ContactId, nobody.EmailId) == (0, 0, 0)
