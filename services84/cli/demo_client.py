"""A legacy client of the service: zeep, told nothing but the address, as the demo's caller."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from services84.errors import CallError, Services84Error


class LegacyClient:
    """Calls both services by their served WSDL and reads the reply headers, as callers must.

    `base` is the folder of the services, `http://host:port/Remote/Services84`.
    """

    def __init__(self, base: str) -> None:
        self._zeep = _zeep()
        self._principal = self._service(f"{base}/SoPrincipal.svc?singleWsdl")
        self._email = self._service(f"{base}/EMail.svc?singleWsdl")
        self._ticket = ""

    def _service(self, wsdl: str) -> Any:
        transport = self._zeep.Transport()
        transport.session.trust_env = False  # loopback: never through a proxy
        with self._soap_errors():
            return self._zeep.Client(wsdl, transport=transport).service

    @contextmanager
    def _soap_errors(self) -> Iterator[None]:
        try:
            yield
        except self._zeep.exceptions.Error as error:
            raise Services84Error(f"the client did not understand the service: {error}") from error

    def sign_in(self, name: str, password: str) -> None:
        """Get a ticket; every call after this carries it."""
        with self._soap_errors():
            reply = self._principal.AuthenticateUsernamePassword(UserName=name, Password=password)
        _check(reply)
        if not reply.body.AuthenticationSucceeded:
            raise CallError(f"the service did not let {name} in")
        self._ticket = reply.body.Credentials.Ticket

    def save_account(self, address: str, server: str, port: int, user: str, password: str) -> int:
        """Save a mail account; gives its id."""
        reply = self._call(
            "SaveEMailAccount",
            EMailAccount={
                "EMailAddress": address,
                "IncomingCredentials": {
                    "Server": server,
                    "Port": port,
                    "Username": user,
                    "Password": password,
                },
            },
        )
        return int(reply.body.Response.EMailAccountId)

    def sync(self, account_id: int) -> dict[str, str]:
        """Sync the account; gives what the service tells about it in ExtraInfo."""
        reply = self._call("SyncEmailAccount", SyncUserAccount={"AccountId": account_id})
        return _extra(reply)

    def account(self, account_id: int) -> Any:
        """The account as the service gives it."""
        return self._call("GetEMailAccount", EMailAccountId=account_id).body.Response

    def _call(self, operation: str, **arguments: Any) -> Any:
        headers = {"Credentials": {"Ticket": self._ticket}}
        with self._soap_errors():
            reply = self._email[operation](**arguments, _soapheaders=headers)
        _check(reply)
        return reply


def _check(reply: Any) -> None:
    """A failed call looks like any other reply to SOAP; the header says that it failed."""
    if not reply.header.Succeeded:
        problem = reply.header.ExceptionInfo
        raise CallError(problem.FriendlyText if problem is not None else "the call failed")


def _extra(reply: Any) -> dict[str, str]:
    info = reply.header.ExtraInfo
    if info is None:
        return {}
    return {pair.Key: pair.Value for pair in info.ExtraInfoNameValuePair}


def _zeep() -> Any:
    try:
        import zeep  # noqa: PLC0415  (only the demo needs it)
    except ImportError as error:
        raise Services84Error("the demo needs more: pip install 'services84[demo]'") from error
    return zeep
