"""Answers of token endpoints, and what people hand over as tokens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services84.security.token_answers import GivenTokens, TokenError, read_answer, read_given


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (500, b"", None),
        (200, b"", None),
        (200, b"[]", None),
        (200, b"null", None),
        (200, b'"token"', None),
        (200, b"[" * 100_000, None),
        (200, b"{}", None),
        (200, b'{"access_token": 7}', None),
        (200, b'{"access_token": "two words"}', None),
        (200, b'{"access_token": "a", "refresh_token": "r\\u0000"}', None),
        (200, b'{"access_token": "' + b"a" * 16_385 + b'"}', None),
        (201, b'{"access_token": "a"}', None),
        (200, b'{"access_token": "a"}', GivenTokens("a")),
        (
            200,
            b'{"access_token": "a", "refresh_token": "r", "expires_in": 3600}',
            GivenTokens("a", "r", 3600),
        ),
        (200, b'{"access_token": "a", "expires_in": "60"}', GivenTokens("a", "", 60)),
        (200, b'{"access_token": "a", "expires_in": -1}', GivenTokens("a")),
        (200, b'{"access_token": "a", "expires_in": 1e400}', GivenTokens("a")),
        (200, b'{"access_token": "a", "expires_in": "soon"}', GivenTokens("a")),
        (200, b'{"access_token": "a", "expires_in": 1e12}', GivenTokens("a", "", 31_536_000)),
        (400, b'{"error": "invalid_grant"}', TokenError("invalid_grant")),
        (200, b'{"error": "bad_verification_code"}', TokenError("bad_verification_code")),
        (
            400,
            '{"error": "invalid_grant", "error_description": "AADSTS70008:\\r\\n zurück"}'.encode(),
            TokenError("invalid_grant", "AADSTS70008:  zur ck"),
        ),
        (400, b'{"error": {"message": "no"}}', None),
    ],
)
def test_an_answer_is_tokens_or_a_refusal_or_nothing(
    status: int, body: bytes, said: GivenTokens | TokenError | None
) -> None:
    assert read_answer(status, body) == said


@given(st.integers(100, 599), st.binary())
def test_no_answer_brings_the_reader_down(status: int, body: bytes) -> None:
    read_answer(status, body)


def test_a_long_description_is_cut() -> None:
    body = b'{"error": "invalid_grant", "error_description": "' + b"x" * 999 + b'"}'
    said = read_answer(400, body)
    assert isinstance(said, TokenError)
    assert len(said.description) == 200
    assert str(said).startswith("invalid_grant: xxx")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is no token"),
        ("two words", "is no token"),
        ("zurück", "is no token"),
        ("x" * 16_385, "is no token"),
        ("{", "begins as JSON"),
        ("{}", "neither"),
        ('{"access_token": ""}', "neither"),
        ('{"refresh_token": ["r"]}', "refresh_token is no token"),
    ],
)
def test_what_is_no_token_is_refused_and_not_shown(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as refused:
        read_given(text)
    assert len(text) < 2 or text not in str(refused.value)


def test_a_token_alone_is_a_refresh_token_and_an_answer_is_taken_whole() -> None:
    assert read_given(" 1//refresh-token \n") == GivenTokens("", "1//refresh-token")
    text = '{\n  "access_token": "a",\n  "refresh_token": "r",\n  "expires_in": 3599\n}\n'
    assert read_given(text) == GivenTokens("a", "r", 3599)


def test_tokens_stay_out_of_representations() -> None:
    assert repr(GivenTokens("hush", "hush", 1)) == "GivenTokens(seconds=1)"
