"""Services: what operations may use, put together once by `application.py`.

A bag of rooms, no logic; it exists so that a Call needs no global state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services84.metrics import Metrics
from services84.security.identity_tokens import IdentityTokens
from services84.security.known_passwords import KnownPasswords
from services84.settings import Settings
from services84.store.accounts import AccountStore
from services84.store.attempts import LoginAttempts
from services84.store.clients import ClientStore
from services84.store.contacts import ContactStore
from services84.store.database import Database
from services84.store.documents import DocumentStore
from services84.store.folders import FolderStore
from services84.store.items import ItemStore
from services84.store.principals import PrincipalStore
from services84.store.tokens import TokenStore
from services84.store.visits import FolderVisits
from services84.sync.errands import Errands
from services84.sync.interface import Desk
from services84.sync.mail_tokens import MailTokens
from services84.sync.mailbox import MailServers
from services84.sync.slots import HostSlots


@dataclass(frozen=True)
class Services:
    """Everything that an operation may touch."""

    settings: Settings
    database: Database
    accounts: AccountStore
    folders: FolderStore
    items: ItemStore
    visits: FolderVisits
    contacts: ContactStore
    documents: DocumentStore
    principals: PrincipalStore
    clients: ClientStore
    tokens: TokenStore
    identity: IdentityTokens | None
    attempts: LoginAttempts
    passwords: KnownPasswords
    sync: Desk
    errands: Errands
    mail: MailServers
    mail_tokens: MailTokens
    slots: HostSlots
    metrics: Metrics
    clock: Callable[[], datetime]
