"""Carriers of persons: how to reach them, where they belong, what they have agreed to."""

from services84.carriers.associate import Associate, UserInfo
from services84.carriers.base import (
    Boolean,
    Carrier,
    DateTime,
    Int,
    Short,
    String,
    StringDictionary,
    UtcDateTime,
    array_of,
)
from services84.carriers.contact import Address, Business, Category, Contact, Country


class EntityElement(Carrier):
    """A telephone number, a mail address or a URL, as written and without its decoration."""

    Value = String
    StrippedValue = String
    Description = String


ArrayOfEntityElement = array_of(EntityElement)


class Position(Carrier):
    """What a person is in its company: an entry of a list."""

    Id = Int
    Value = String
    Tooltip = String


class TicketPriority(Carrier):
    """How urgent the requests of a person are: an entry of a list."""

    Id = Int
    Value = String
    Tooltip = String


class CustomerLanguage(Carrier):
    """The language in which a person is answered: an entry of a list."""

    Id = Int
    Value = String
    Tooltip = String


class SelectableMDOListItem(Carrier):
    """An entry of a list, of which several may be selected; entries may have entries below them."""

    Id = Int
    Name = String
    ToolTip = String
    Deleted = Boolean
    Rank = Int
    Type = String
    ColorBlock = Int
    IconHint = String
    Selected = Boolean
    LastChanged = UtcDateTime
    ExtraInfo = String
    StyleHint = String
    Hidden = Boolean
    FullName = String


ArrayOfSelectableMDOListItem = array_of(SelectableMDOListItem)
# Its own type, which exists only now; the member stands after LastChanged on the wire.
SelectableMDOListItem.insert_field(10, "ChildItems", ArrayOfSelectableMDOListItem)


class ConsentInfo(Carrier):
    """What a person has agreed to, on what legal ground, and where that comes from."""

    ConsentPersonId = Int
    Comment = String
    Registered = UtcDateTime
    RegisteredAssociateId = Int
    Updated = UtcDateTime
    UpdatedAssociateId = Int
    LegalBaseId = Int
    LegalBaseKey = String
    LegalBaseName = String
    ConsentPurposeId = Int
    ConsentPurposeKey = String
    ConsentPurposeName = String
    ConsentSourceId = Int
    ConsentSourceKey = String
    ConsentSourceName = String


ArrayOfConsentInfo = array_of(ConsentInfo)


class Person(Carrier):
    """A person, in short."""

    Position = String
    PersonId = Int
    Mrmrs = String
    Firstname = String
    Lastname = String
    MiddleName = String
    Title = String
    Description = String
    Email = String
    FullName = String
    DirectPhone = String
    FormalName = String
    CountryId = Int
    ContactId = Int
    ContactName = String
    Retired = Short
    Rank = Short
    ActiveInterests = Short
    ContactDepartment = String
    ContactCountryId = Int
    ContactOrgNr = String
    FaxPhone = String
    MobilePhone = String
    ContactPhone = String
    AssociateName = String
    AssociateId = Int
    UsePersonAddress = Boolean
    ContactFax = String
    Kanafname = String
    Kanalname = String
    Post1 = String
    Post2 = String
    Post3 = String
    EmailName = String
    ContactFullName = String
    ActiveErpLinks = Int
    TicketPriorityId = Int
    SupportLanguageId = Int


class PersonEntity(Carrier):
    """A person, with everything that the address book has about it."""

    PersonId = Int
    Firstname = String
    MiddleName = String
    Lastname = String
    Mrmrs = String
    Title = String
    UpdatedDate = UtcDateTime
    CreatedDate = UtcDateTime
    BirthDate = DateTime
    CreatedBy = Associate
    Emails = ArrayOfEntityElement
    Description = String
    IsAssociate = Boolean
    PrivatePhones = ArrayOfEntityElement
    Faxes = ArrayOfEntityElement
    MobilePhones = ArrayOfEntityElement
    OfficePhones = ArrayOfEntityElement
    OtherPhones = ArrayOfEntityElement
    Position = Position
    UpdatedBy = Associate
    Contact = Contact
    Country = Country
    Interests = ArrayOfSelectableMDOListItem
    PersonNumber = String
    FullName = String
    NoMailing = Boolean
    UsePersonAddress = Boolean
    Retired = Boolean
    Urls = ArrayOfEntityElement
    FormalName = String
    Address = Address
    Post3 = String
    Post2 = String
    Post1 = String
    Kanalname = String
    Kanafname = String
    CorrespondingAssociate = Associate
    Category = Category
    Business = Business
    Associate = Associate
    Salutation = String
    ActiveInterests = Int
    SupportAssociate = Associate
    TicketPriority = TicketPriority
    CustomerLanguage = CustomerLanguage
    DbiAgentId = Int
    DbiKey = String
    DbiLastModified = UtcDateTime
    DbiLastSyncronized = UtcDateTime
    SentInfo = Short
    ShowContactTickets = Short
    UserInfo = UserInfo
    ChatEmails = ArrayOfEntityElement
    InternetPhones = ArrayOfEntityElement
    Source = Short
    ActiveErpLinks = Int
    ShipmentTypes = ArrayOfSelectableMDOListItem
    Consents = ArrayOfConsentInfo
    UserDefinedFields = StringDictionary
    ExtraFields = StringDictionary


ArrayOfPersonEntity = array_of(PersonEntity)
