"""Carriers of mail accounts: the account, its credentials, what to sync, where to connect."""

from services84.carriers.base import Boolean, Carrier, Int, Short, String, array_of


class ServiceAuth(Carrier):
    """How to sign in to a mail server in one direction. Password is the secret in clear."""

    ServiceAuthId = Int
    Server = String
    Port = Int
    AuthType = String
    Username = String
    Password = String


class EMailAccount(Carrier):
    """A mail account of an associate. AccountStatus, ErrorCount and ErrorReason are read-only."""

    EMailAccountId = Int
    EMailAddress = String
    AssociateId = Int
    IncomingCredentials = ServiceAuth
    OutgoingCredentials = ServiceAuth
    AccountStatus = Short
    ErrorCount = Int
    ErrorReason = String


class SyncUserAccount(Carrier):
    """Names an account to sync, by its id or by its owner."""

    AccountId = Int
    AssociateName = String
    AssociateId = Int


class EMailConnectionInfo(Carrier):
    """Where and how to connect; ServerName may end in `:port`."""

    ServerName = String
    UserName = String
    Password = String
    Folder = String
    UseSSL = Boolean


class EMailConnectionInfoExtended(Carrier):
    """Where and how to connect; Protocol is IMAP or SMTP."""

    Port = Int
    ServerName = String
    Protocol = String
    UserName = String
    Password = String
    UseSSL = Boolean
    Folder = String


ArrayOfSyncUserAccount = array_of(SyncUserAccount)
