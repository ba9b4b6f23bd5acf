"""Carriers of SoPrincipal.svc: who the caller is, the system and its licences."""

from services84.carriers.base import (
    ArrayOfInt,
    ArrayOfString,
    Binary,
    Boolean,
    Carrier,
    DateTime,
    Int,
    Record,
    String,
    array_of,
    dictionary,
    enumeration,
)
from services84.carriers.headers import SoCredentials
from services84.namespaces import CRYPTOGRAPHY

__all__ = [
    "ArrayOfGrantedModuleLicense",
    "ArrayOfModuleLicense",
    "ArrayOfProvidedCredential",
    "AuthenticationGenericData",
    "DSAParameters",
    "EjUserStatus",
    "GrantedModuleLicense",
    "LicenseInfo",
    "LicenseType",
    "ModuleLicense",
    "NetServerBuildType",
    "ProvidedCredential",
    "RoleType",
    "SignedPublicKey",
    "SoCredentials",
    "SoPrincipalCarrier",
    "SoSystemInfoCarrier",
    "UserType",
]

UserType = enumeration(
    "UserType",
    "Unknown",
    "InternalAssociate",
    "ResourceAssociate",
    "ExternalAssociate",
    "AnonymousAssociate",
    "SystemAssociate",
)
RoleType = enumeration(
    "RoleType", "Employee", "ExternalUser", "Anonymous", "System", actual_type="short"
)
EjUserStatus = enumeration(
    "EjUserStatus",
    "StatusNone",
    "StatusNormal",
    "StatusNotAvailable",
    "StatusDeleted",
    "StatusReadOnly",
    "StatusSpm",
    "StatusSystem",
    numbers={"StatusSystem": 127},
)
LicenseType = enumeration(
    "LicenseType",
    "Unknown",
    "SiteLicense",
    "SatelliteLicense",
    "UserLicense",
    actual_type="short",
)
NetServerBuildType = enumeration(
    "NetServerBuildType", "Feature", "Stable", "Alpha", "Beta", "ReleaseCandidate", "Release"
)
AuthenticationGenericData = dictionary("AuthenticationGenericData")


class DSAParameters(Record):
    """A DSA key as .NET spells it; a structure, so its number is always there."""

    __namespace__ = CRYPTOGRAPHY

    class Attributes(Record.Attributes):
        value_type = True

    Counter = Int.customize(min_occurs=1, default=0)
    G = Binary.customize(min_occurs=1)
    J = Binary.customize(min_occurs=1)
    P = Binary.customize(min_occurs=1)
    Q = Binary.customize(min_occurs=1)
    Seed = Binary.customize(min_occurs=1)
    Y = Binary.customize(min_occurs=1)


class SignedPublicKey(Record):
    """A licence owner's signing key."""

    OwnerName = String
    SignDate = DateTime
    ExpiryDate = DateTime
    Key = DSAParameters.customize(nillable=False)
    Signature = String


class ModuleLicense(Record):
    """A licence for one module of the product."""

    OwnerName = String
    ModuleName = String
    ModuleDescription = String
    ModuleTooltip = String
    ModuleVersion = String
    LicenseType = LicenseType
    Unrestricted = Boolean
    AllowedUserType = UserType
    NumberOfLicenses = Int
    ExtraFlags = Int
    ExtraInfo = String
    SortOrder = Int
    IsHidden = Boolean
    PrerequisiteModuleName = String
    Signature = String


ArrayOfModuleLicense = array_of(ModuleLicense)


class LicenseInfo(Record):
    """The licence of the installation."""

    CompanyName = String
    SerialNr = String
    OwnerName = String
    OwnerDescription = String
    NextCheckDate = DateTime
    MaintenanceDate = DateTime
    AdminWarningDate = DateTime
    ExpiryDate = DateTime
    GraceDate = DateTime
    ExtraFlags = Int
    LicenseUrl = String
    LicenseVersion = String
    DeploymentType = Int
    ProductType = String
    ProductDescription = String
    ModuleLicenses = ArrayOfModuleLicense
    PublicKey = SignedPublicKey
    Signature = String


class SoSystemInfoCarrier(Carrier):
    """What GetSystemInfo tells of the installation."""

    License = LicenseInfo
    WarningEnglish = String
    WarningResource = String
    BranchName = String
    BuildLabel = String
    AssemblyVersion = String
    AccumulatedNextCheckDate = DateTime
    FileVersion = String
    Description = String
    DaysUntilNetServerExpiry = Int
    BuildType = NetServerBuildType
    DatabaseVersion = Int
    IsUnicode = Boolean
    CompanyName = String
    CompanyId = Int
    DatabaseType = String
    DatabaseMinor = String
    DatabaseName = String
    IsOnTravel = Boolean
    IsSatellite = Boolean


class GrantedModuleLicense(Carrier):
    """A module licence that an associate holds."""

    OwnerId = Int
    OwnerName = String
    OwnerDescription = String
    ModuleId = Int
    Name = String
    Description = String
    Version = String
    LicenseType = LicenseType
    ExtraFlags = Int
    SortOrder = Int
    LicenseNumber = Int
    IsHidden = Boolean
    IsUnrestricted = Boolean
    ExpiryDate = DateTime


class ProvidedCredential(Record):
    """A way by which an associate may sign in."""

    Type = String
    SearchName = String
    DisplayName = String
    CredentialId = Int


ArrayOfGrantedModuleLicense = array_of(GrantedModuleLicense)
ArrayOfProvidedCredential = array_of(ProvidedCredential)


class SoPrincipalCarrier(Record):
    """Who the caller is, as far as the contract can tell."""

    UserType = UserType
    Associate = String
    AssociateId = Int
    IsPerson = Boolean
    PersonId = Int
    CountryId = Int
    HomeCountryId = Int
    ContactId = Int
    GroupId = Int
    BusinessId = Int
    CategoryId = Int
    ContactOwner = Int
    RoleId = Int
    RoleName = String
    RoleDescription = String
    RoleType = RoleType
    Licenses = ArrayOfGrantedModuleLicense
    FullName = String
    EMailAddress = String
    FunctionRights = ArrayOfString
    EjUserId = Int
    EjAccessLevel = Int
    EjUserStatus = EjUserStatus
    ProvidedCredentials = ArrayOfProvidedCredential
    SecondaryGroups = ArrayOfInt
    DatabaseContextIdentifier = String
