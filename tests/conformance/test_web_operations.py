"""All operations over the web API: the scenes that zeep plays over SOAP, with the same effects."""

from __future__ import annotations

from services84.agents import EMAIL
from tests.conformance.conftest import Customer
from tests.conformance.test_operations import ALL, SCENES
from tests.conformance.web_scene import WebScene
from tests.support.submission import SubmissionServer


def test_every_operation_is_called_over_http_and_does_its_work(
    customer: Customer, submission: SubmissionServer
) -> None:
    """Every answer is valid by the OpenAPI document that the service gives."""
    submission.add_user(customer.name, customer.mail_password)
    scene = WebScene(customer, submission)
    for play in SCENES:
        play(scene)
    assert scene.said == {operation.name for operation in EMAIL}
    assert len(scene.said) == ALL
    assert scene.checked >= len([operation for operation in EMAIL if operation.returns])
