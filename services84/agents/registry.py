"""The tables of operations: each declared once here by a decorator, served by every front end.

A table knows names, members and handlers. It knows no SOAP and no HTTP; `soap.service`,
`soap.wsdl` and the web API derive what they need from it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from services84.agents.call import Call
from services84.agents.zones import as_meant, as_seen
from services84.carriers.dates import change_dates

Handler = Callable[..., Any]
Members = Mapping[str, Any]  # member name → Spyne type, in the order of the WSDL


@dataclass(frozen=True)
class Operation:
    """One operation of a service, as the WSDL declares it.

    `parameters` and `returns` map member names to carrier types in the WSDL's order. With one
    member in `returns` the handler gives its value; with several it gives a mapping; with none
    it gives nothing. `reply` is the reply element's name. `needs_ticket` is false only for the
    operations by which a ticket is obtained. `needs` says for people what has to be there beside
    the ticket.
    """

    service: str
    name: str
    parameters: Members
    returns: Members
    reply: str
    needs_ticket: bool
    handler: Handler
    needs: str = ""

    @property
    def documentation(self) -> str:
        return inspect.cleandoc(self.handler.__doc__ or "")

    def invoke(self, call: Call, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Run the handler; gives a value for every member of `returns`.

        Handlers see points in time; a caller gives and gets them as its time zone has them.
        Raises whatever the handler raises, all of `services84.errors`.
        """
        meant, seen = partial(as_meant, zone=call.zone), partial(as_seen, zone=call.zone)
        given = [
            change_dates(kind, arguments.get(name), meant) for name, kind in self.parameters.items()
        ]
        result = self.handler(call, *given)
        if not self.returns:
            return {}
        values = {next(iter(self.returns)): result} if len(self.returns) == 1 else dict(result)
        return {
            name: change_dates(self.returns[name], value, seen) for name, value in values.items()
        }


class ServiceTable:
    """The operations of one .svc address."""

    def __init__(self, name: str, *, request_headers: tuple[str, ...]) -> None:
        self.name = name
        self.wsdl_name = f"Wcf{name}Service"
        self.file = f"{name}.svc"
        self.request_headers = request_headers
        self._operations: dict[str, Operation] = {}

    def operation(
        self,
        name: str,
        *,
        returns: Any = None,
        reply: str | None = None,
        needs_ticket: bool = True,
        needs: str = "",
        **parameters: Any,
    ) -> Callable[[Handler], Handler]:
        """Declare the decorated function as the operation `name`.

        `returns` is a carrier type (member `Response`), a mapping of members, or None for void.
        The handler takes the Call and then the parameters in the order given.
        """
        members = {} if returns is None else returns
        if not isinstance(members, Mapping):
            members = {"Response": members}

        def declare(handler: Handler) -> Handler:
            if name in self._operations:
                raise ValueError(f"{self.name}.{name} is declared twice")
            self._operations[name] = Operation(
                service=self.name,
                name=name,
                parameters=dict(parameters),
                returns=dict(members),
                reply=reply or f"{name}Response",
                needs_ticket=needs_ticket,
                handler=handler,
                needs=needs,
            )
            return handler

        return declare

    def __iter__(self) -> Iterator[Operation]:
        return iter(self._operations.values())

    def __len__(self) -> int:
        return len(self._operations)

    def __contains__(self, name: object) -> bool:
        return name in self._operations

    def __getitem__(self, name: str) -> Operation:
        return self._operations[name]


EMAIL = ServiceTable("EMail", request_headers=("ApplicationToken", "Credentials", "TimeZone"))
PRINCIPAL = ServiceTable("SoPrincipal", request_headers=("ApplicationToken",))

operation = EMAIL.operation
