"""A SOAP reply out of an answer over HTTP."""

from __future__ import annotations

import requests
from lxml import etree

from tests.support.service import Reply


def reply_of(answer: requests.Response) -> Reply:
    # As real clients do not, lxml has a limit for the length of a text.
    parser = etree.XMLParser(huge_tree=True)
    kind = answer.headers["Content-Type"]
    return Reply(str(answer.status_code), kind, etree.fromstring(answer.content, parser))
