"""The schemas in the WSDL are valid, so that strict toolkits take them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from lxml import etree

from services84.agents import EMAIL, PRINCIPAL
from services84.agents.registry import ServiceTable
from services84.carriers.account import EMailAccount
from services84.carriers.base import Int, String
from services84.carriers.headers import SoTimeZone
from services84.soap.schema import SchemaWriter
from services84.soap.wsdl import Ports, build_wsdl
from tests.soap.contract_schema import check_reply, compile_schemas, inline_schemas
from tests.soap.wire import SOAP11, SOAP12, TNS, Service, envelope, make_endpoint, post

TABLES = pytest.mark.parametrize("table", [EMAIL, PRINCIPAL], ids=lambda table: table.name)
PORTS = pytest.mark.parametrize("soap", ["both", "1.1", "1.2"])


@TABLES
@PORTS
def test_no_schema_declares_anything_twice(table: ServiceTable, soap: Ports) -> None:
    for schema in inline_schemas(build_wsdl(table, "http://localhost/", soap)):
        declared = Counter((child.tag, child.get("name")) for child in schema if child.get("name"))
        assert [what for what, times in declared.items() if times > 1] == []


@TABLES
@PORTS
def test_the_schemas_compile_together(table: ServiceTable, soap: Ports) -> None:
    schema = compile_schemas(build_wsdl(table, "http://localhost/", soap))
    zone = f'<TimeZone xmlns="{TNS}"><SoTimeZoneId>%s</SoTimeZoneId></TimeZone>'
    assert not schema.validate(etree.fromstring(zone % "x"))
    assert schema.validate(etree.fromstring(zone % "261"))


def test_an_element_has_one_content() -> None:
    schemas = SchemaWriter()
    schemas.header("TimeZone", SoTimeZone)
    schemas.header("TimeZone", SoTimeZone)
    with pytest.raises(ValueError, match="TimeZone is declared as SoTimeZone and as string"):
        schemas.header("TimeZone", String)
    with pytest.raises(ValueError, match="TimeZone is declared as SoTimeZone and as a message"):
        schemas.message("TimeZone", {"Id": Int})


@pytest.mark.parametrize("version", [SOAP11, SOAP12])
@pytest.mark.parametrize("result", [None, {}, RuntimeError("secret")])
def test_replies_are_valid_by_the_schemas_of_their_table(version: str, result: Any) -> None:
    service = Service()
    service.extra = {"Sync.New": "1"}
    service.result = EMailAccount(EMailAccountId=7, AccountStatus=4) if result is None else result
    schema = compile_schemas(build_wsdl(service.table, "http://localhost/"))
    body = "<SaveEMailAccount/>" if result is None else "<Echo/>"
    answer = post(make_endpoint(service), envelope(body, version=version))
    check_reply(schema, answer.root)
