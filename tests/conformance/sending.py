"""The calls that send, each with somebody to send to."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.boxes import strings
from tests.support.service import Reply, member_xml

Succeeds = Callable[[str, str], Reply]


def send_mail(succeeds: Succeeds, account_id: str, address: str, imap: str, smtp: str) -> None:
    """From a cached account, which gets its outgoing side here. `imap` and `smtp` are the XML of
    ConnectionInfo for its mailbox and for a submission server with the same login."""
    succeeds("SaveEMailAccount", _with_outgoing(account_id, address, imap, smtp))
    mail = {
        "To": {"EMailAddress": {"Name": "Bob", "Address": "bob@example.com"}},
        "Subject": "Grüße",
        "PlainBody": "Hello",
        "Attachments": {"EMailAttachment": {"Filename": "ü.bin", "Stream": "AAEC/w=="}},
    }
    emails = f"<n:Emails>{member_xml({'EMailEntity': mail})}</n:Emails>"
    sent = succeeds("Send", emails)
    assert int(sent.text("Response/EMailEntity/EmailItemId") or 0)
    outgoing = smtp.replace("ConnectionInfo>", "OutgoingConnectionInfo>")
    copies = imap.replace("ConnectionInfo>", "SentItemsConnectionInfo>")
    succeeds("SendEMails", outgoing + emails + copies)
    email = member_xml({"Email": mail})
    assert succeeds("SendAndSaveEmailToTmpDocument", email).text("Response")
    assert succeeds("CreateForwardEmail", email).text("Response/Subject") == "Fw: Grüße"
    relay = smtp.replace("ConnectionInfo>", "ConnectionInfoExtended>")
    message = member_xml({"Rfc822": "Subject: x\n\nHello\n", "From": address})
    succeeds("RelayMessage", relay + message + strings("Recipients", ["bob@example.com"]))


def _with_outgoing(account_id: str, address: str, imap: str, smtp: str) -> str:
    members = f"<n:EMailAccountId>{account_id}</n:EMailAccountId>"
    members += f"<n:EMailAddress>{address}</n:EMailAddress>"
    members += _auth("IncomingCredentials", imap) + _auth("OutgoingCredentials", smtp)
    return f"<n:EMailAccount>{members}</n:EMailAccount>"


def _auth(member: str, info: str) -> str:
    """ConnectionInfo as a ServiceAuth."""
    server, _, port = _text(info, "ServerName").rpartition(":")
    auth = {"Server": server, "Port": port, "Username": _text(info, "UserName")}
    return member_xml({member: auth | {"Password": _text(info, "Password")}})


def _text(info: str, name: str) -> str:
    return info.partition(f"<n:{name}>")[2].partition("<")[0]
