"""Carriers of mail folders."""

from services84.carriers.base import Boolean, Carrier, Int, String, array_of


class EMailFolder(Carrier):
    """A folder of a mailbox. Flags are the names of its attributes, separated by spaces."""

    Name = String
    Delimiter = String
    Flags = String
    TotalItems = Int
    UnreadItems = Int
    Subscribed = Boolean
    EmailFolderId = Int


ArrayOfEMailFolder = array_of(EMailFolder)
