"""A record that is right, and an account to save it over."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from services84.store.account_options import AccountOptions, DeletionPolicy
from services84.store.values import Account, AccountStatus, ServiceAuth

MOMENT = datetime(2026, 3, 29, 1, 2, 3, 456789, tzinfo=UTC)


def record(**changes: Any) -> dict[str, Any]:
    """All required properties; with `changes`, of which `...` leaves one out."""
    usual: dict[str, Any] = {
        "Id": 7,
        "BusinessId": 84,
        "DisplayName": "Ännä",
        "EmailAddress": "anna@example.com",
        "IncomingServer": "imap.example.com",
        "IncomingServerType": 1,
        "IncomingServerPort": 993,
        "IncomingServerUsername": "anna",
        "DeleteMessageSettings": 3,
        "OutgoingServer": "smtp.example.com",
        "OutgoingServerPort": 465,
        "OutgoingServerUsername": "anna",
        "LastMessageId": 0,
        "ErrorCount": 0,
    }
    return {name: value for name, value in (usual | changes).items() if value is not ...}


def account(**changes: Any) -> Account:
    """An account as it is stored, with passwords for the servers of `record`."""
    values: dict[str, Any] = {
        "account_id": 7,
        "email_address": "anna@example.com",
        "associate_id": 3,
        "associate_name": "anna",
        "incoming": auth("imap.example.com", 993, service_auth_id=11),
        "outgoing": auth("smtp.example.com", 465, service_auth_id=12),
        "status": AccountStatus.OK,
        "error_count": 2,
        "error_reason": "",
        "last_success": MOMENT,
        "next_attempt": None,
        "lease_until": None,
        "registered": MOMENT,
        "updated": MOMENT,
        "options": AccountOptions(
            "Old name", 1, True, "r@example.com", True, "n@example.com", DeletionPolicy(2)
        ),
        "last_message_id": 99,
    }
    return Account(**values | changes)


def auth(server: str, port: int, **changes: Any) -> ServiceAuth:
    values: dict[str, Any] = {
        "service_auth_id": 0,
        "auth_type": "",
        "username": "anna",
        "has_password": True,
    }
    return ServiceAuth(server=server, port=port, **values | changes)
