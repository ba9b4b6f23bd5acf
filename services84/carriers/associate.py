"""Carriers of associates, the users of the system."""

from services84.carriers.base import ArrayOfString, Boolean, Carrier, Int, Short, String
from services84.carriers.principal import UserType


class Associate(Carrier):
    """A user of the system, as others see it."""

    AssociateId = Int
    Name = String
    PersonId = Int
    Rank = Short
    Tooltip = String
    Type = UserType
    GroupIdx = Int
    FullName = String
    FormalName = String
    Deleted = Boolean
    EjUserId = Int


class UserInfo(Carrier):
    """A user of the system, with what it may do."""

    Deleted = Boolean
    UserInfoId = Int
    UserName = String
    PersonId = Int
    Rank = Short
    Tooltip = String
    UserGroupId = Int
    EjUserId = Int
    UserType = UserType
    GrantedLicenses = ArrayOfString
    CanLogon = Boolean
    RoleName = String
    RoleTooltip = String
    UserGroupName = String
    UserGroupTooltip = String
