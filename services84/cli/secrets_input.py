"""How a command is given a password: by a prompt, or on standard input for scripts.

Never as an argument, which other users of the machine can see.
"""

from __future__ import annotations

import sys

import click

from services84.security.token_answers import GivenTokens, read_given

password_stdin = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input (one line)."
)

token_stdin = click.option(
    "--token-stdin", is_flag=True, help="Read the token from standard input, to its end."
)
LONGEST_INPUT = 64 * 1024


def read_token(what: str, *, from_stdin: bool) -> GivenTokens:
    """The tokens that a provider gave; a usage error for what holds none."""
    if from_stdin:
        text = sys.stdin.read(LONGEST_INPUT + 1)
    else:
        text = str(click.prompt(what, hide_input=True))
    if not text.strip():
        raise click.UsageError(f"{what}: it is empty.")
    if len(text) > LONGEST_INPUT:
        raise click.UsageError(f"{what}: it has more than {LONGEST_INPUT} characters.")
    try:
        return read_given(text)
    except ValueError as error:
        raise click.UsageError(f"{what}: {error}.") from error


def read_password(what: str, *, from_stdin: bool, least: int = 1, confirm: bool = False) -> str:
    """A password of at least `least` characters; a usage error otherwise.

    Only the line's end is taken off: spaces may be part of a password.
    """
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
        if sys.stdin.readline():
            raise click.UsageError(f"{what}: standard input has more than one line.")
    else:
        password = str(click.prompt(what, hide_input=True, confirmation_prompt=confirm))
    if not password:
        raise click.UsageError(f"{what}: it is empty.")
    if len(password) < least:
        raise click.UsageError(f"{what}: it has fewer than {least} characters.")
    return password
