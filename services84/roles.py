"""The roles that an associate may be granted; pure names, known to every room.

A full administrator may do what all of them allow. The names are those of the resource's vendor.
"""

from __future__ import annotations

import enum


class Role(enum.StrEnum):
    """What an associate who is no administrator may do with everybody's mail accounts."""

    READ_ACCOUNTS = "EmailAccount-Read"
    CREATE_ACCOUNTS = "EmailAccount-Create"
    EDIT_ACCOUNTS = "EmailAccount-Edit"
    DELETE_ACCOUNTS = "EmailAccount-Delete"


def role_named(name: str) -> Role | None:
    """The role of this name, in any case of letters."""
    return next((role for role in Role if role.lower() == name.strip().lower()), None)
