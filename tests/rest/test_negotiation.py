"""The type of an answer is the one that the caller wants most."""

from __future__ import annotations

import pytest

from services84.errors import NotAcceptable
from services84.rest.negotiation import negotiated


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "application/json"),
        ("", "application/json"),
        ("*/*", "application/json"),
        ("*", "application/json"),
        ("application/json; charset=utf-8", "application/json"),
        ("text/*", "text/json"),
        ("TEXT/XML", "text/xml"),
        ("application/xml;q=0.9, application/json;q=0.8", "application/xml"),
        ("application/xml, */*", "application/json"),
        ("application/json;q=0, */*", "text/json"),
        ("text/html, application/xml;q=0.9, */*;q=0.8", "application/xml"),
        ("application/merge-patch+json", "application/merge-patch+json"),
        ("nonsense, text/xml", "text/xml"),
        ("text/xml;q=high", "text/xml"),
    ],
)
def test_the_most_wanted_type_is_given(accept: str | None, kind: str) -> None:
    assert negotiated(accept) == kind


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "image/*;q=1"])
def test_nothing_acceptable_is_refused_with_what_there_is(accept: str) -> None:
    with pytest.raises(NotAcceptable, match="application/json, text/json, application/xml"):
        negotiated(accept)
