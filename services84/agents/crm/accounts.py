"""What can be done with EmailAccount records: one, a page, make, change, delete.

For a full administrator, and for associates by their roles; whose account it is does not matter.
The accounts are those of EMail.svc, and are saved and deleted by the same rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services84.agents.call import Call
from services84.agents.crm.drafting import draft_of, given_tokens
from services84.agents.crm.properties import HIGHEST_INT
from services84.agents.crm.queries import read_query
from services84.agents.crm.reading import Record, read_record
from services84.agents.crm.records import page_of, record_of
from services84.errors import (
    AccessDenied,
    InvalidRecord,
    InvalidValue,
    NotFound,
    PropertyProblem,
)
from services84.roles import Role
from services84.security.token_answers import GivenTokens
from services84.store.values import Account

# What the store calls the members that it refuses, by the names of the record.
_STORED_AS = {
    "EMailAccount/IncomingCredentials/Password": "IncomingServerPassword",
    "EMailAccount/OutgoingCredentials/Password": "OutgoingServerPassword",
}


def get_record(call: Call, account_id: int) -> dict[str, Any]:
    """The record of this id; raises AccessDenied, NotFound."""
    require(call, Role.READ_ACCOUNTS)
    return record_of(_account(call, account_id))


def list_records(call: Call, query: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """A page of the records that the parameters of a query want; raises AccessDenied,
    InvalidRecord."""
    require(call, Role.READ_ACCOUNTS)
    wanted = read_query(query)
    return page_of([record_of(one) for one in call.services.accounts.list_all()], wanted)


def create_record(call: Call, given: Any) -> int:
    """Make an account; gives its id. Raises AccessDenied, MalformedMessage, and InvalidRecord with
    all that is wrong; then nothing is made."""
    require(call, Role.CREATE_ACCOUNTS)
    record = read_record(given, needs_id=False)
    if record.get("Id"):
        record.wrong("Id", "is given by the service; PUT changes an account that exists")
    return _save(call, record, None)


def update_record(call: Call, given: Any) -> int:
    """Change an account, the one of Id; gives its id. Raises as `create_record`, and NotFound."""
    require(call, Role.EDIT_ACCOUNTS)
    record = read_record(given, needs_id=True)
    account_id = record.get("Id")
    stored = _account(call, account_id) if account_id is not None else None
    if stored is None:
        raise InvalidRecord(record.problems)
    return _save(call, record, stored)


def delete_record(call: Call, account_id: int) -> int:
    """Delete an account with its credentials and everything cached of it; gives its id. Raises
    AccessDenied, NotFound."""
    require(call, Role.DELETE_ACCOUNTS)
    call.services.accounts.delete(_account(call, account_id).account_id)
    return account_id


def require(call: Call, role: Role) -> None:
    """Raises AccessDenied unless the caller is an administrator or has the role."""
    if call.caller.is_admin:
        return
    if role not in call.services.principals.roles_of(call.caller.associate_id):
        raise AccessDenied(f"this needs the role {role}, or an administrator")


def _account(call: Call, account_id: int) -> Account:
    found = None
    if 0 < account_id <= HIGHEST_INT:
        found = call.services.accounts.get(account_id, secrets=False)
    if found is None:
        raise NotFound(f"no mail account {account_id}", parameters={"Id": str(account_id)})
    return found


def _save(call: Call, record: Record, stored: Account | None) -> int:
    owner = _owner(call, record, stored)
    draft = draft_of(record, stored, owner, online=call.services.settings.online)
    if draft is None:
        raise InvalidRecord(record.problems)
    given = given_tokens(record)
    try:
        account_id = call.services.accounts.save(draft).account_id
    except InvalidValue as error:  # what changed between our look and the writing
        name = _STORED_AS.get(error.member, error.member)
        problem = PropertyProblem(name, None, error.parameters["Problem"])
        raise InvalidRecord([problem]) from error
    if given is not None and given[1].refresh_token:
        _renew_from_now_on(call, account_id, *given)
    return account_id


def _renew_from_now_on(call: Call, account_id: int, provider: str, given: GivenTokens) -> None:
    """Where no client of the provider is configured, the access token is good for its hour."""
    if provider in call.services.mail_tokens.providers:
        call.services.mail_tokens.keep(account_id, provider, given)


def _owner(call: Call, record: Record, stored: Account | None) -> int:
    """Whose account it is: as it was, of a new one the caller's, unless another is named."""
    kept = stored.associate_id if stored else call.caller.associate_id
    wanted: int = record.get("AssociateId") or kept
    if wanted != kept and not call.caller.is_admin:
        # Whoever owns an account reads its mail, which no role allows.
        raise AccessDenied("AssociateId: only an administrator may give an account to another")
    if wanted != kept and call.services.principals.associate(wanted) is None:
        record.wrong("AssociateId", "is no associate")
    return wanted
