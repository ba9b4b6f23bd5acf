"""What the service can do, for every front end: the tables of operations, filled.

Importing this package declares all operations. Nothing here knows SOAP or HTTP.
"""

from services84.agents import principal as _principal
from services84.agents.email import accounts as _accounts
from services84.agents.email import addresses as _addresses
from services84.agents.email import authentication as _authentication
from services84.agents.email import cached_messages as _cached_messages
from services84.agents.email import defaults as _defaults
from services84.agents.email import documents as _documents
from services84.agents.email import filing as _filing
from services84.agents.email import folder_cache as _folder_cache
from services84.agents.email import folder_changes as _folder_changes
from services84.agents.email import folders as _folders
from services84.agents.email import forwarding as _forwarding
from services84.agents.email import live_filing as _live_filing
from services84.agents.email import messages as _messages
from services84.agents.email import news as _news
from services84.agents.email import relaying as _relaying
from services84.agents.email import saving as _saving
from services84.agents.email import sending as _sending
from services84.agents.email import sync as _sync
from services84.agents.registry import EMAIL, PRINCIPAL, Operation, ServiceTable

__all__ = ["EMAIL", "PRINCIPAL", "TABLES", "Operation", "ServiceTable"]

TABLES = {table.name: table for table in (EMAIL, PRINCIPAL)}

_DECLARING_MODULES = (
    _accounts,
    _addresses,
    _authentication,
    _cached_messages,
    _defaults,
    _documents,
    _filing,
    _folder_cache,
    _folder_changes,
    _folders,
    _forwarding,
    _live_filing,
    _messages,
    _news,
    _principal,
    _relaying,
    _saving,
    _sending,
    _sync,
)
