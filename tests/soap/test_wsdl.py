"""The WSDL is the vendor's, and has the SOAP 1.2 port beside it."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import zeep
from lxml import etree

from services84.agents import EMAIL, PRINCIPAL
from services84.agents.registry import ServiceTable
from services84.soap.wsdl import Ports, build_wsdl
from tests.soap.wire import Answer, Service, ask, make_endpoint, request_environ

ADDRESS = "http://localhost:8084/Remote/Services84/{}.svc"
WSDL = {"wsdl": "http://schemas.xmlsoap.org/wsdl/"}
VENDORS = "{http://schemas.xmlsoap.org/wsdl/soap/}"
SOAP12 = "{http://schemas.xmlsoap.org/wsdl/soap12/}"
TABLES = pytest.mark.parametrize("table", [EMAIL, PRINCIPAL], ids=lambda table: table.name)


def built(table: ServiceTable, soap: Ports = "both") -> Any:
    return etree.fromstring(build_wsdl(table, ADDRESS.format(table.name), soap))


@TABLES
def test_nothing_differs_from_the_vendors_wsdl(
    table: ServiceTable, shared_folder: Path, tmp_path: Path
) -> None:
    ours = tmp_path / "ours.wsdl"
    ours.write_bytes(build_wsdl(table, ADDRESS.format(table.name)))
    theirs = shared_folder / "reference" / "wsdl" / f"{table.name}.wsdl"
    operations = ",".join(op.name for op in table)
    diff = subprocess.run(
        [
            sys.executable,
            shared_folder / "tools" / "wsdl_diff.py",
            theirs,
            ours,
            "--operations",
            operations,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert diff.stdout.startswith(f"0 differences over {len(table)} of "), diff.stdout + diff.stderr


@TABLES
def test_both_ports_are_there_the_vendors_first(table: ServiceTable) -> None:
    ports = built(table).findall("wsdl:service/wsdl:port", WSDL)
    assert [port.get("name") for port in ports] == [
        f"BasicHttpBinding_{table.name}",
        f"Soap12HttpBinding_{table.name}",
    ]
    assert [port[0].tag for port in ports] == [f"{VENDORS}address", f"{SOAP12}address"]
    assert {port[0].get("location") for port in ports} == {ADDRESS.format(table.name)}


@TABLES
@pytest.mark.parametrize(
    ("soap", "own", "other"), [("1.1", VENDORS, SOAP12), ("1.2", SOAP12, VENDORS)]
)
def test_one_port_alone_brings_nothing_of_the_other(
    table: ServiceTable, soap: Ports, own: str, other: str
) -> None:
    root = built(table, soap)
    assert len(root.findall("wsdl:binding", WSDL)) == 1
    assert len(root.findall("wsdl:service/wsdl:port", WSDL)) == 1
    assert next(root.iter(f"{own}address"), None) is not None
    assert next(root.iter(f"{other}*"), None) is None


@TABLES
def test_a_client_generator_reads_every_operation_of_both_bindings(table: ServiceTable) -> None:
    client = zeep.Client(io.BytesIO(build_wsdl(table, ADDRESS.format(table.name))))
    (service,) = client.wsdl.services.values()
    for port in service.ports.values():
        assert set(port.binding.all()) == {op.name for op in table}


@TABLES
def test_every_name_that_is_referred_to_is_declared(table: ServiceTable) -> None:
    root = built(table)
    declared = {
        f"{{{schema.get('targetNamespace')}}}{child.get('name')}"
        for schema in root.iter("{http://www.w3.org/2001/XMLSchema}schema")
        for child in schema
        if child.get("name")
    }
    for element in root.iter():
        for attribute in ("type", "base", "element"):
            prefix, _, name = (element.get(attribute) or "").rpartition(":")
            namespace = element.nsmap.get(prefix or None)
            if name and namespace != "http://www.w3.org/2001/XMLSchema" and attribute != "binding":
                port_type = element.tag == f"{{{WSDL['wsdl']}}}binding"
                assert port_type or f"{{{namespace}}}{name}" in declared, (attribute, name)


def get(service: Service, query: str, method: str = "GET", **settings: Any) -> Answer:
    endpoint = make_endpoint(service, **settings)
    return ask(endpoint, request_environ(method=method, content_type=None, QUERY_STRING=query))


def addresses(answer: Answer) -> list[tuple[str, str]]:
    ports = answer.root.findall("wsdl:service/wsdl:port", WSDL)
    return [(port.get("name").partition("_")[0], port[0].get("location")) for port in ports]


OWN = "http://localhost:8084/Remote/Services84/EMail.svc"


@pytest.mark.parametrize("query", ["wsdl", "WSDL", "singleWsdl", "singlewsdl=1", "wsdl&soap=both"])
def test_the_address_gives_its_wsdl(service: Service, query: str) -> None:
    answer = get(service, query)
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    assert addresses(answer) == [("BasicHttpBinding", OWN), ("Soap12HttpBinding", OWN)]


@pytest.mark.parametrize(
    ("query", "setting", "binding"),
    [
        ("wsdl&soap=1.1", "both", "BasicHttpBinding"),
        ("soap=1.2&WSDL", "1.1", "Soap12HttpBinding"),
        ("wsdl", "1.1", "BasicHttpBinding"),
        ("singleWsdl", "1.2", "Soap12HttpBinding"),
    ],
)
def test_the_query_or_the_setting_chooses_the_port(
    service: Service, query: str, setting: str, binding: str
) -> None:
    assert addresses(get(service, query, wsdl_soap=setting)) == [(binding, OWN)]


def test_another_port_is_refused_with_what_is_allowed(service: Service) -> None:
    answer = get(service, "wsdl&soap=1.3")
    assert answer.status == 400
    assert answer.body == b"soap='1.3' is none of 1.1, 1.2, both\n"


def test_head_gives_the_headers_alone(service: Service) -> None:
    answer = get(service, "wsdl", "HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["content-length"]) > 1000


def test_the_address_is_the_one_that_a_trusted_proxy_names(service: Service) -> None:
    endpoint = make_endpoint(service, trusted_proxies=("127.0.0.1/32",))
    environ = request_environ(
        method="GET",
        QUERY_STRING="wsdl&soap=1.1",
        HTTP_X_FORWARDED_PROTO="https",
        HTTP_X_FORWARDED_HOST="crm.example.com",
        HTTP_X_FORWARDED_PREFIX="/Cust12345",
    )
    assert addresses(ask(endpoint, environ)) == [
        ("BasicHttpBinding", "https://crm.example.com/Cust12345/Remote/Services84/EMail.svc")
    ]
