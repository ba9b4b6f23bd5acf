"""What an account is to do beside being synced, as the resource EmailAccounts has it. Values only.

The defaults are those of an account that was saved by SOAP, which knows none of this.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class DeletionPolicy(enum.IntEnum):
    """When messages are removed from the mail server; the resource's eMessageDeletionPolicy."""

    DONT_DELETE = 1  # never: what is deleted here is deleted here alone
    DELETE_ON_RECEIVE = 2  # once INBOX's are safely in the cache
    DELETE_WHEN_DELETING = 3  # when they are deleted here


@dataclass(frozen=True)
class AccountOptions:
    """`display_name` and `reply_to` are for mail that is sent by the account; an account that is
    not `active` is not synced; with `send_notification`, `notification_email` is told of new mail.
    `business_id` is the caller's own number for whom the account belongs to; `token_provider` tells
    whose access token stands where the passwords would, if one does (`google`, `office365`)."""

    display_name: str = ""
    business_id: int = 0
    active: bool = True
    reply_to: str = ""
    send_notification: bool = False
    notification_email: str = ""
    deletion_policy: DeletionPolicy = DeletionPolicy.DELETE_WHEN_DELETING
    token_provider: str = ""
