"""Carriers of mail addresses, and of who is found by one in the address book."""

from services84.carriers.base import ArrayOfInt, Carrier, Int, String, array_of


class EMailAddress(Carrier):
    """A mail address, and whom the address book knows by it."""

    ContactId = Int
    ContactName = String
    PersonId = Int
    PersonName = String
    AssociateId = Int
    Address = String
    EmailId = Int
    DuplicatePersonIds = ArrayOfInt
    Name = String


ArrayOfEMailAddress = array_of(EMailAddress)


class ContactOrPersonFromEmail(Carrier):
    """A person or a contact of the address book who has a mail address."""

    PersonId = Int
    FullName = String
    EmailAddress = String
    ContactId = Int
    ContactName = String
    ContactDepartment = String
    SortName = String


ArrayOfContactOrPersonFromEmail = array_of(ContactOrPersonFromEmail)
