"""`python -m tests.fuzz TARGET...`: look for inputs that break a promise, guided by coverage.

Each target runs for FUZZ_SECONDS (600) in a process of its own; what it has learnt stays in
`var/fuzz`, and the next run begins there. Ends with 1 when something was found; the input is then
beside it, to be moved to `tests/fuzz/found/TARGET` with a name that says what it is.
"""

from __future__ import annotations

import importlib
import os
import resource
import subprocess
import sys
from pathlib import Path

TARGETS = ("imap", "mime", "soap")
LEARNT = Path("var/fuzz")
LONGEST = {"imap": 6000, "mime": 4000, "soap": 2000}  # bytes of an input
PATIENCE = 60  # seconds for one input: machines are busy


def fuzz(target: str, seconds: int) -> None:
    """Fuzz in this process; does not come back."""
    import atheris

    with atheris.instrument_imports(include=["services84"]):
        promises = importlib.import_module(f"tests.fuzz.promises_{target}").promises
    arguments = [
        sys.argv[0],
        str(LEARNT / target),
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST[target]}",
        f"-timeout={PATIENCE}",
        f"-artifact_prefix={LEARNT}/{target}-",
        f"-dict={LEARNT}/{target}.words",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
        "-print_pcs=0",
    ]
    atheris.Setup(arguments, promises)
    atheris.Fuzz()


def prepare(target: str) -> None:
    """Write down where to begin."""
    from tests.fuzz.inputs import found, seeds, words

    folder = LEARNT / target
    folder.mkdir(parents=True, exist_ok=True)
    begin = [*seeds(target), *(path.read_bytes() for path in found(target))]
    for number, seed in enumerate(begin):
        (folder / f"begin-{number}").write_bytes(seed)
    lines = ('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"' for word in words(target))
    (LEARNT / f"{target}.words").write_text("\n".join(lines) + "\n")


def main() -> int:
    """Run the targets that are named, else all; gives the exit code."""
    seconds = int(os.environ.get("FUZZ_SECONDS", "600"))
    wanted = sys.argv[1:] or list(TARGETS)
    if unknown := set(wanted) - set(TARGETS):
        print(f"no such target: {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
        return 2
    failed = []
    for target in wanted:
        prepare(target)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "tests.fuzz", "--here", target, str(seconds)]
        if subprocess.run(command, check=False).returncode:
            failed.append(target)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(f"{target}: {used:.0f} s of processor time", flush=True)
    if failed:
        print(f"found something: {', '.join(failed)}; the inputs are in {LEARNT}/")
    return 1 if failed else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--here"]:
        fuzz(sys.argv[2], int(sys.argv[3]))
    sys.exit(main())
