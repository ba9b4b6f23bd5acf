"""`/api`: what is installed here, as the vendor's version block tells it."""

from __future__ import annotations

from flask import Blueprint, Response

from services84 import __version__
from services84.namespaces import SERVICES84
from services84.rest.answers import plain_answer

versions = Blueprint("versions", __name__)


@versions.get("/api")
def version_block() -> Response:
    """The version of the service, and the contracts that it speaks."""
    return plain_answer(
        {
            "NetServerVersion": __version__,
            "Product": "services84",
            "Services": ["Services84"],
            "Services84": SERVICES84,
        },
        root="Versions",
    )
