"""An account on a model server: the cache beside what the server holds."""

from __future__ import annotations

from dataclasses import dataclass

from services84.store.values import Account
from tests.support.imapmodel.server import Server
from tests.support.service import Service


@dataclass
class ModelScene:
    service: Service
    server: Server
    account_id: int

    @property
    def account(self) -> Account:
        found = self.service.services.accounts.get(self.account_id)
        assert found is not None
        return found

    def cached(self) -> dict[str, dict[int, object]]:
        """Folder → UID → flags, keywords and bytes, as `held` gives them of the server."""
        services = self.service.services
        return {
            folder.server_name: {
                row.uid: (row.flags, row.keywords, services.items.source(row.item_id))
                for row in services.items.list(folder.folder_id, limit=1000)
            }
            for folder in services.folders.list(self.account_id)
        }
