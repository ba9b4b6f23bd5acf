"""Odd parameters of the Content-Type stop nothing that can be understood."""

from __future__ import annotations

import pytest

from services84.soap.endpoint import SoapEndpoint
from tests.soap.wire import SOAP11, SOAP12, envelope, post

GET = envelope("<GetCurrentAccountId/>")


@pytest.mark.parametrize(
    "parameters",
    ["", ";", "; charset", "; charset=", '; charset=""', "; charset='utf-8'", "; charset='UTF-8'"],
)
def test_a_charset_that_says_nothing_new(endpoint: SoapEndpoint, parameters: str) -> None:
    answer = post(endpoint, GET, f"text/xml{parameters}")
    assert (answer.status, answer.text("Succeeded")) == (200, "true")


def test_a_charset_in_single_quotes_counts(endpoint: SoapEndpoint) -> None:
    answer = post(endpoint, GET.encode("utf-16-le"), "text/xml; charset='utf-16-le'")
    assert answer.text("Succeeded") == "true"


@pytest.mark.parametrize(
    ("media_type", "version"), [("text/xml", SOAP11), ("application/soap+xml", SOAP12)]
)
def test_parameters_that_cannot_be_read_are_the_callers_fault(
    endpoint: SoapEndpoint, media_type: str, version: str
) -> None:
    answer = post(endpoint, GET, f"{media_type}; charset*{'9' * 5000}*=x")
    assert (answer.status, answer.version) == (415, version)
    reason = answer.text("faultstring") or answer.text("Text")
    assert reason == "the parameters of the content type cannot be read"
