"""All operations of the vendor's service by zeep, in both versions of SOAP, each with its effect.

The effects are looked at by another mail client, by the submission server, or in the database.
"""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from lxml import etree

from services84.agents import EMAIL
from services84.soap.wsdl import build_wsdl
from tests.conformance import scene_accounts, scene_folders, scene_messages
from tests.conformance.conftest import Customer
from tests.conformance.scene import Scene
from tests.conformance.test_schema import served
from tests.conformance.test_zeep import VERSIONS
from tests.soap.contract_schema import compile_schemas
from tests.support.submission import SubmissionServer

ALL = 77
SHARED = Path(__file__).resolve().parents[3] / "shared"
VENDORS = SHARED / "reference" / "wsdl" / "EMail.wsdl"
# In an order in which each finds what it needs.
SCENES = (
    scene_accounts.save_an_account,
    scene_accounts.ask_for_blanks,
    scene_accounts.sign_in_to_servers,
    scene_accounts.sync_the_account,
    scene_folders.look_at_folders,
    scene_folders.change_folders,
    scene_folders.use_cached_folders,
    scene_messages.read_and_file,
    scene_messages.use_the_cache,
    scene_messages.send_mail,
    scene_accounts.ask_the_book,
    scene_accounts.archive_a_mail,
    scene_accounts.delete_the_account,
)


@cache
def vendors_schemas() -> list[etree.XMLSchema]:
    """The vendor's schema, where it is at hand."""
    return [compile_schemas(VENDORS.read_bytes())] if VENDORS.is_file() else []


@pytest.mark.parametrize("version", VERSIONS)
def test_every_operation_is_called_by_zeep_and_does_its_work(
    customer: Customer, submission: SubmissionServer, version: str
) -> None:
    """Every reply is valid by our schemas, and by the vendor's."""
    submission.add_user(customer.name, customer.mail_password)
    ours = compile_schemas(served(customer.server.base, "EMail"))
    scene = Scene(customer, submission, version, [ours, *vendors_schemas()])
    for play in SCENES:
        play(scene)
    assert scene.said == {operation.name for operation in EMAIL}
    assert len(scene.said) == ALL
    assert scene.inspector.checked >= ALL


def test_nothing_differs_from_the_vendors_wsdl_over_all_operations(
    shared_folder: Path, tmp_path: Path
) -> None:
    ours = tmp_path / "ours.wsdl"
    ours.write_bytes(build_wsdl(EMAIL, "http://localhost/Remote/Services84/EMail.svc"))
    command = [sys.executable, shared_folder / "tools" / "wsdl_diff.py", VENDORS, ours]
    diff = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert diff.stdout.splitlines()[-1].startswith(f"0 differences over {ALL} of {ALL}"), (
        diff.stdout + diff.stderr
    )
    assert diff.returncode == 0
