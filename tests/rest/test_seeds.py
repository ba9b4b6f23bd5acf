"""The sample requests of the vendor's documentation, byte for byte but for who calls."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from services84.agents.convert import PASSWORD_MASK
from tests.rest.web import Answer, Web, basic
from tests.support.dovecot import DovecotServer
from tests.support.service import PASSWORD, Service

SAMPLE = re.compile(
    r"^POST (\S+)\n((?:[\w-]+: [^\n]*\n)+)\n(.*?)\n(?:```|Sample response)", re.M | re.S
)


@pytest.fixture
def samples(shared_folder: Path) -> dict[str, tuple[str, dict[str, str], bytes]]:
    """By the number of the document: the path, the headers and the body of its sample request."""
    found = {}
    for number in ("000", "001", "003"):
        (path,) = (shared_folder / "seeds").glob(f"*{number}*")
        match = SAMPLE.search(path.read_text(encoding="utf-8").replace("\r\n", "\n"))
        assert match is not None, path
        lines = match[2].strip().splitlines()
        headers = dict(line.split(": ", 1) for line in lines)
        found[number] = (match[1], headers, match[3].strip().encode())
    return found


def send(web: Web, sample: tuple[str, dict[str, str], bytes], body: bytes | None = None) -> Answer:
    path, headers, sampled = sample
    assert headers["Authorization"] == basic("tje0", "Tje0")
    return web(
        "POST",
        path,
        sampled if body is None else body,
        headers["Content-Type"],
        Authorization=basic("tjeo", PASSWORD),
        Accept=headers["Accept"],
        Accept_Language=headers["Accept-Language"],
    )


@pytest.mark.parametrize("number", ["000", "001"])
def test_sync_email_account_syncs_the_callers_own(
    service: Service,
    dovecot: DovecotServer,
    samples: dict[str, tuple[str, dict[str, str], bytes]],
    number: str,
) -> None:
    """The sample names no account: it is the caller's current one."""
    _, ticket = service.associate("tjeo")
    dovecot.add_user(f"tjeo{number}", "mail secret 84")
    server = {"Server": "127.0.0.1", "Port": dovecot.port_plain}
    account = {
        "EMailAddress": "tjeo@example.com",
        "IncomingCredentials": server | {"Username": f"tjeo{number}", "Password": "mail secret 84"},
    }
    assert Web(service, ticket).call("SaveEMailAccount", account).status == 200
    answer = send(Web(service), samples[number])
    assert (answer.status, answer.body) == (204, b""), answer.body
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["x-services84-sync-state"] == "completed"


@pytest.mark.parametrize(
    ("number", "message"),
    [
        ("000", "associate tjeo has no mail account"),  # Accept-Language: en
        ("001", "medarbetaren tjeo har inget e-postkonto"),  # Accept-Language: sv
    ],
)
def test_sync_email_account_of_nobody_has_nothing_to_sync(
    service: Service,
    samples: dict[str, tuple[str, dict[str, str], bytes]],
    number: str,
    message: str,
) -> None:
    service.associate("tjeo")
    answer = send(Web(service), samples[number])
    assert answer.problem == (404, "SoNotFoundException", message)


def test_save_email_account_with_values_that_mean_nothing(
    service: Service, samples: dict[str, tuple[str, dict[str, str], bytes]]
) -> None:
    """The sample's id is nobody's here, as anybody's guess would be; it asks for Swedish."""
    service.associate("tjeo")
    answer = send(Web(service), samples["003"])
    assert answer.problem == (404, "SoNotFoundException", "inget e-postkonto 198")


def test_save_email_account_has_the_documented_answer(
    service: Service, samples: dict[str, tuple[str, dict[str, str], bytes]]
) -> None:
    """The sample with an id, an address and kinds of signing in that there are."""
    service.associate("tjeo")
    body = samples["003"][2]
    for sampled, meant in (
        (b'"EMailAccountId": 198', b'"EMailAccountId": 0'),
        (b'"AssociateId": 396', b'"AssociateId": 0'),
        (b'"voluptas"', b'"voluptas@example.com"'),
        (b'"minus"', b'"Password"'),
        (b'"voluptatem"', b'"CRAM-MD5"'),
    ):
        assert sampled in body
        body = body.replace(sampled, meant)
    answer = send(Web(service), samples["003"], body)
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    told = json.loads(answer.body)
    assert told["EMailAccountId"] > 0
    assert (told["IncomingCredentials"]["Server"], told["IncomingCredentials"]["Port"]) == (
        "sit",
        562,
    )
    assert told["IncomingCredentials"]["Password"] == PASSWORD_MASK
    # Read-only members of the sample are as they are here.
    assert (told["AccountStatus"], told["ErrorCount"], told["ErrorReason"]) == (0, 0, "")
    for part in (told, told["IncomingCredentials"], told["OutgoingCredentials"]):
        assert set(part["TableRight"]) == {"Mask", "Reason"}
        for field in part["FieldProperties"].values():
            assert set(field) == {"FieldRight", "FieldType", "FieldLength"}
            assert set(field["FieldRight"]) == {"Mask", "Reason"}
            assert field["FieldType"].startswith("System.")
