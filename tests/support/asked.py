"""Operations on live messages with the members that each needs after its connection data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.support.live_mail import LiveMail


@dataclass(frozen=True)
class Asked:
    """`plain` operations take ConnectionInfo, `extended` ones ConnectionInfoExtended."""

    plain: Mapping[str, str]
    extended: Mapping[str, str]

    def __getitem__(self, operation: str) -> str:
        """Its members after the connection data."""
        return {**self.plain, **self.extended}[operation]

    @property
    def names(self) -> list[str]:
        return [*self.plain, *self.extended]

    def member(self, operation: str) -> str:
        """The member that holds the connection data."""
        return "ConnectionInfo" if operation in self.plain else "ConnectionInfoExtended"

    def info(self, mail: LiveMail, operation: str, *folder: str, **other: object) -> str:
        """Connection data as XML."""
        info = mail.info if operation in self.plain else mail.extended
        return info(*folder, **other)

    def refused(
        self, mail: LiveMail, kind: str, operation: str, *folder: str, **other: object
    ) -> str:
        """The message of a refusal of this kind."""
        info = self.info(mail, operation, *folder, **other)
        return mail.refused(kind, operation, info, self[operation])["Message"]
