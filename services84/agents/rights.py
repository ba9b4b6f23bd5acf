"""What the caller may do with a mail account, told in the account itself.

Only front ends whose form tells rights ask for this; what may really be done is decided where it
is done (`access`, `email.accounts`), by the same rule.
"""

from __future__ import annotations

from typing import Any

from services84.agents.access import may_act_for
from services84.agents.account_members import (
    LONGEST_ADDRESS,
    LONGEST_PASSWORD,
    LONGEST_TEXT,
)
from services84.agents.call import Call
from services84.carriers.account import EMailAccount, ServiceAuth
from services84.carriers.base import (
    FieldProperty,
    FieldPropertyDictionary,
    FieldRight,
    TableRight,
    from_dict,
)

ALL_OF_TABLE = ("Select", "Update", "Insert", "Delete", "Filtering")
ALL_OF_FIELD = ("Read", "Write")
READ_ONLY = ("Read",)
NOTHING: tuple[str, ...] = ()
# Resources (`services84.texts.resources`): callers that ask for no language get these names.
KEPT_BY_THE_SERVICE = "[SR_KEPT_BY_SERVICE]"
FOR_ADMINISTRATORS = "[SR_ADMINISTRATORS_ASSIGN]"
NOT_SHOWN = "[SR_NOT_SHOWN]"

# Member → its .NET type and the most characters that it may have, as `account_members` sees to.
_ACCOUNT_TYPES = {
    "EMailAccountId": ("System.Int32", 0),
    "EMailAddress": ("System.String", LONGEST_ADDRESS),
    "AssociateId": ("System.Int32", 0),
    "AccountStatus": ("System.Int16", 0),
    "ErrorCount": ("System.Int32", 0),
    "ErrorReason": ("System.String", LONGEST_TEXT),
}
_AUTH_TYPES = {
    "ServiceAuthId": ("System.Int32", 0),
    "Server": ("System.String", LONGEST_TEXT),
    "Port": ("System.Int32", 0),
    "AuthType": ("System.String", LONGEST_TEXT),
    "Username": ("System.String", LONGEST_TEXT),
    "Password": ("System.String", LONGEST_PASSWORD),
}
_IDS = ("EMailAccountId", "ServiceAuthId")
_STATES = ("AccountStatus", "ErrorCount", "ErrorReason")


def tell_rights(call: Call, carrier: EMailAccount) -> None:
    """Fill in TableRight and FieldProperties of an account and of its credentials."""
    own = carrier.AssociateId or call.caller.associate_id  # a blank one is the caller's to save
    mask = ALL_OF_TABLE if may_act_for(call, own) else NOTHING
    for part, types in (
        (carrier, _ACCOUNT_TYPES),
        (carrier.IncomingCredentials, _AUTH_TYPES),
        (carrier.OutgoingCredentials, _AUTH_TYPES),
    ):
        if isinstance(part, EMailAccount | ServiceAuth):
            part.TableRight = TableRight(Mask=mask, Reason="")
            part.FieldProperties = from_dict(
                FieldPropertyDictionary,
                {name: _property(call, name, *kind) for name, kind in types.items()},
            )


def _property(call: Call, name: str, kind: str, length: int) -> FieldProperty:
    mask, reason = _field_right(call, name)
    return FieldProperty(
        FieldRight=FieldRight(Mask=mask, Reason=reason), FieldType=kind, FieldLength=length
    )


def _field_right(call: Call, name: str) -> tuple[Any, str]:
    if name in _IDS or name in _STATES:
        return READ_ONLY, KEPT_BY_THE_SERVICE
    if name == "AssociateId" and not call.caller.is_admin:
        return READ_ONLY, FOR_ADMINISTRATORS
    if name == "Password" and not call.services.settings.reveal_passwords:
        return ("Write",), NOT_SHOWN
    return ALL_OF_FIELD, ""
