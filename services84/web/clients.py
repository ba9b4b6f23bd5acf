"""How to point a client of each common stack at a service: texts for the help page. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from services84.agents.registry import ServiceTable
from services84.namespaces import SERVICES84


def client_guides(table: ServiceTable, address: str) -> Mapping[str, str]:
    """Stack → what to type, for the service `table` at `address`."""
    guides = {
        ".NET": _dotnet(table, address),
        "Python, zeep": _zeep(table, address),
        "PHP": _php(table, address),
        "Java": f"wsimport -keep {address}?wsdl",
        "gSOAP": f"wsdl2h -o {table.name}.h {address}?wsdl\nsoapcpp2 -C -j {table.name}.h",
    }
    return {stack: text.strip("\n") for stack, text in guides.items()}


def _dotnet(table: ServiceTable, address: str) -> str:
    return f"""
<!-- An existing proxy: change the address in app.config, nothing else. -->
<endpoint name="BasicHttpBinding_{table.name}" address="{address}"
          binding="basicHttpBinding" contract="{table.name}" />

REM A new proxy, with the one endpoint that the vendor's WSDL has:
svcutil "{address}?wsdl&soap=1.1"
"""


def _zeep(table: ServiceTable, address: str) -> str:
    call, headers = _example(table)
    return f"""
client = zeep.Client("{address}?wsdl")
reply = client.service.{call},
    _soapheaders={headers})
assert reply.header.Succeeded, reply.header.ExceptionInfo.FriendlyText
"""


def _example(table: ServiceTable) -> tuple[str, str]:
    """A call and its headers, as zeep wants them."""
    if "Credentials" in table.request_headers:
        return "GetCurrentAccount(", '{"Credentials": {"Ticket": ticket}}'
    return 'AuthenticateUsernamePassword("name", "password"', "{}"


def _php(table: ServiceTable, address: str) -> str:
    client = f'$client = new SoapClient("{address}?wsdl&soap=1.1");'
    if "Credentials" not in table.request_headers:
        return client
    return f"""
{client}
$client->__setSoapHeaders([new SoapHeader("{SERVICES84}",
    "Credentials", ["Ticket" => $ticket])]);
"""
