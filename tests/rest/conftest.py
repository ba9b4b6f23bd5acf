"""Fixtures of the web API's tests: a service with an associate who has a ticket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rest.web import Web
from tests.support.service import Service, running_service


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running_service(tmp_path) as running:
        yield running


@pytest.fixture
def web(service: Service) -> Web:
    """Ingrid, who is no administrator, with a ticket."""
    _, ticket = service.associate("ingrid")
    return Web(service, ticket)


@pytest.fixture
def nobody(service: Service) -> Web:
    """Somebody who says not who it is."""
    return Web(service)
