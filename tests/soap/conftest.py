"""Fixtures of the SOAP tests: the small service and its endpoint."""

from __future__ import annotations

import pytest

from services84.soap.endpoint import SoapEndpoint
from tests.soap.wire import Service, make_endpoint


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def endpoint(service: Service) -> SoapEndpoint:
    return make_endpoint(service)
