"""Times, sizes and numbers as people read them. Pure."""

from __future__ import annotations

from datetime import datetime, tzinfo

from services84.store.values import RunProgress

_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))
JUST_NOW = 10  # seconds
KIB = 1024


def counted(number: int, noun: str) -> str:
    """`1 message`, `1,234 messages`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def span(seconds: float) -> str:
    """A length of time, to one unit: `4.2 s`, `3 minutes`."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    for unit, length in _UNITS:
        if seconds >= length:
            return counted(int(seconds // length), unit)
    return "0 s"


def ago(moment: datetime | None, now: datetime) -> str:
    """`never`, `just now`, `3 minutes ago`, `in 2 hours`."""
    if moment is None:
        return "never"
    seconds = (now - moment).total_seconds()
    if abs(seconds) < JUST_NOW:
        return "just now"
    for unit, length in _UNITS:
        if abs(seconds) >= length:
            told = counted(int(abs(seconds) // length), unit)
            return f"{told} ago" if seconds > 0 else f"in {told}"
    return "just now"


def clock(moment: datetime, zone: tzinfo) -> str:
    """`27 Nov 2026, 08:31:05 CET`."""
    local = moment.astimezone(zone)
    return f"{local.day} {local:%b %Y, %H:%M:%S %Z}"


def size(count: int) -> str:
    """Bytes as `512 B`, `1.4 MiB`."""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < KIB:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= KIB
    return f"{value:.1f} TiB"


def progress_text(progress: RunProgress | None) -> str:
    """How far a running sync is, in a sentence."""
    if progress is None:
        return "Looking for what is new."
    number = min(progress.folders_done + 1, progress.folders_total)
    folder = f"folder {number:,} of {progress.folders_total:,}"
    if not progress.messages_total:
        return f"In {progress.folder} ({folder})."
    mail = f"{progress.messages_done:,} of {counted(progress.messages_total, 'message')}"
    return f"{mail} fetched ({size(progress.bytes_done)}), in {progress.folder}, {folder}."
