"""The web API stands beside the SOAP services, whatever the case of letters and the tenant."""

from __future__ import annotations

import pytest
from lxml import etree

from services84 import __version__
from services84.namespaces import SERVICES84
from services84.rest.front import serves
from tests.rest.web import Web


@pytest.mark.parametrize(
    ("path", "ours"),
    [
        ("/api", True),
        ("/API/", True),
        ("/Cust12345/api/v1/Agents/EMail/Send", True),
        ("/api/api", True),
        ("/apis", False),
        ("/a/b/api", False),
        ("/", False),
        ("/Remote/Services84/EMail.svc", False),
    ],
)
def test_an_address_is_told_by_its_first_or_second_segment(path: str, ours: bool) -> None:
    assert serves(path) is ours


@pytest.mark.parametrize("path", ["/api", "/API", "/api/", "/Cust12345/Api"])
def test_the_version_block_is_for_everybody(nobody: Web, path: str) -> None:
    answer = nobody.get(path)
    assert answer.status == 200
    assert answer.json["NetServerVersion"] == __version__
    assert answer.json["Services84"] == SERVICES84


def test_the_version_block_is_xml_for_whoever_wants_it(nobody: Web) -> None:
    root = etree.fromstring(nobody.get("/api", Accept="application/xml").body)
    assert root.findtext("Services84") == SERVICES84
    assert [item.text for item in root.iterfind("Services/item")] == ["Services84"]


def test_a_head_gives_the_headers_alone(nobody: Web) -> None:
    answer = nobody("HEAD", "/api")
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["content-length"]) > 100
