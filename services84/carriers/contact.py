"""Carriers of contacts: companies and other organisations, where they are and what they do."""

from services84.carriers.base import Boolean, Carrier, Double, Int, Short, String, array_of


class LocalizedField(Carrier):
    """One field of a postal address, with its label in the caller's language."""

    Name = String
    Value = String
    Tooltip = String
    Label = String
    ValueLength = Int
    AddressType = String


ArrayOfLocalizedField = array_of(LocalizedField)
ArrayOfArrayOfLocalizedField = array_of(ArrayOfLocalizedField)


class Address(Carrier):
    """A postal address: its lines, each a list of fields, and its place on earth."""

    Wgs84Latitude = Double
    Wgs84Longitude = Double
    LocalizedAddress = ArrayOfArrayOfLocalizedField


class Country(Carrier):
    """A country, with how it writes addresses and telephone numbers."""

    CountryId = Int
    Name = String
    CurrencyId = Int
    EnglishName = String
    TwoLetterISOCountry = String
    ThreeLetterISOCountry = String
    ImageDescription = String
    OrgNrText = String
    InterAreaPrefix = String
    DialInPrefix = String
    ZipPrefix = String
    DomainName = String
    AddressLayoutId = Int
    DomesticAddressLayoutId = Int
    ForeignAddressLayoutId = Int
    Rank = Short
    Tooltip = String
    Deleted = Boolean


class Category(Carrier):
    """The category of a contact or a person: an entry of a list."""

    Id = Int
    Value = String
    Tooltip = String


class Business(Carrier):
    """The business of a contact or a person: an entry of a list."""

    Id = Int
    Value = String
    Tooltip = String


class Contact(Carrier):
    """A company or another organisation, in short."""

    ContactId = Int
    Name = String
    OrgNr = String
    Department = String
    URL = String
    City = String
    DirectPhone = String
    AssociateId = Int
    CountryId = Int
    EmailAddress = String
    Kananame = String
    EmailAddressName = String
    URLName = String
    AssociateFullName = String
    BusinessName = String
    CategoryName = String
    CountryName = String
    Address = Address
    FormattedAddress = String
    FullName = String
    IsOwnerContact = Boolean
    ActiveErpLinks = Int
