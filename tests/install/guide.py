"""The commands of docs/production.md, as they stand there. Reads them; runs nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.support.server import ROOT

GUIDE = ROOT / "docs" / "production.md"
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_INSTALLS = re.compile(r"^apt-get install -y --no-install-recommends (.+)$", re.MULTILINE)
_OURS = re.compile(r"^(?:\w+=\$\()?services84 ((?:[a-z]+ ?)+)", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """Commands that are given at once; `line` is that of the first."""

    line: int
    script: str


def blocks() -> list[Block]:
    """All blocks that are run, in their order."""
    text = GUIDE.read_text(encoding="utf-8")
    return [
        Block(text.count("\n", 0, found.start(1)) + 1, found[1]) for found in _BLOCK.finditer(text)
    ]


def debian_packages() -> list[str]:
    """What the guide has apt-get install."""
    lines = (line for block in blocks() for line in _INSTALLS.findall(block.script))
    return [package for line in lines for package in line.split()]


def own_commands() -> set[tuple[str, ...]]:
    """The words of every `services84` command, without options and arguments that are no words."""
    return {tuple(words.split()) for block in blocks() for words in _OURS.findall(block.script)}
