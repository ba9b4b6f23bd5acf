"""Applications that ask for access tokens, as tests of the web API need them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote_plus, urlencode

from services84.agents.access_tokens import GRANTS
from services84.rest.context import admitted
from services84.security.access_tokens import new_client_id
from services84.store.values import Associate
from tests.rest.web import Answer, Web, basic
from tests.support.service import PASSWORD, Service

TOKENS = "/login/common/oauth/tokens"
REVOKE = "/login/common/oauth/revoke"
DOOR = "/api/door"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class OAuthClient:
    """An application with its id and secret, in front of a service."""

    service: Service
    application_id: int
    client_id: str
    secret: str
    associate: str = "ingrid"

    @property
    def basic(self) -> str:
        """The client's credentials as RFC 6749 section 2.3.1 wants them."""
        return basic(quote_plus(self.client_id), quote_plus(self.secret))

    def post(self, path: str, form: str, **headers: str) -> Answer:
        """A form as it goes over the wire."""
        return Web(self.service)("POST", path, form.encode(), FORM, **headers)

    def ask(self, **form: str) -> Answer:
        """A request for tokens, with the client's credentials in the form."""
        mine = {"client_id": self.client_id, "client_secret": self.secret}
        return self.post(TOKENS, urlencode(mine | form))

    def by_password(self, password: str = PASSWORD) -> Answer:
        return self.ask(grant_type="password", username=self.associate, password=password)

    def by_itself(self) -> Answer:
        return self.ask(grant_type="client_credentials")

    def by_refresh(self, token: str) -> Answer:
        return self.ask(grant_type="refresh_token", refresh_token=token)

    def revoke(self, token: str, **form: str) -> Answer:
        return self.post(
            REVOKE,
            urlencode({"token": token} | form),
            Authorization=self.basic,
        )

    def works(self, token: str, scheme: str = "Bearer") -> bool:
        """Whether a token opens the door."""
        answer = Web(self.service).get(DOOR, Authorization=f"{scheme} {token}")
        assert answer.status in (200, 401), answer
        return answer.status == 200


def client_of(
    service: Service,
    name: str,
    grants: Iterable[str] = GRANTS,
    *,
    acts_as: Associate | None = None,
    email_agent: bool = True,
) -> OAuthClient:
    """A new application that may ask for tokens; with `acts_as` for those of that associate."""
    secret = service.application_token(name, email_agent=email_agent)
    found = service.services.clients.application_by_name(name)
    assert found is not None
    client = service.services.clients.register(
        found.application_id, new_client_id(), grants, acts_as.associate_id if acts_as else None
    )
    name = acts_as.name if acts_as else "ingrid"
    return OAuthClient(service, found.application_id, client.client_id, secret, name)


def open_door(service: Service) -> None:
    """An address that tells who came in, for tests of who does; before the first request."""
    app = service.application._web_api.app
    app.add_url_rule(
        DOOR, "door", lambda: {"associate": admitted().caller.name}, methods=["GET", "POST"]
    )


@contextmanager
def stopped_clock(service: Service) -> Iterator[None]:
    """The service's clock stands still: a delay of a second is not over on a busy machine."""
    running, now = service.services.clock, service.services.clock()
    object.__setattr__(service.services, "clock", lambda: now)
    try:
        yield
    finally:
        object.__setattr__(service.services, "clock", running)
