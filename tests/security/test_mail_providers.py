"""The operator's file of providers of access tokens."""

from __future__ import annotations

from pathlib import Path

import pytest

from services84.errors import ConfigurationError
from services84.security.mail_providers import MailProvider, read_providers

CLIENT = 'client_id = "id"\nclient_secret = "hush"\n'
URL = 'token_url = "https://id.example.com/token"\n'


def written(folder: Path, text: str | bytes, mode: int = 0o600) -> Path:
    path = folder / "providers.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[x", "is no TOML"),
        (b"[x]\nclient_secret = 'hush\xff'", "is no TOML"),
        ("x = 1", "[x] is no table"),
        (f"[Example]\n{URL}{CLIENT}", "[Example] is no name"),
        (f"['a b']\n{URL}{CLIENT}", "is no name"),
        (f"[x]\n{CLIENT}", "[x] has no token_url"),
        (f"[x]\n{CLIENT}token_url = 'id.example.com'", "token_url is no URL"),
        (f"[x]\n{CLIENT}token_url = 'http://id.example.com/'", "is not protected"),
        (f"[x]\n{CLIENT}token_url = 'https://u:p@id.example.com/'", "has a user name"),
        (f"[x]\n{CLIENT}token_url = 'https://id.example.com:0/'", "is no URL"),
        (f"[x]\n{CLIENT}token_url = 'https://id.example.com:x/'", "is no URL"),
        (f"[x]\n{CLIENT}token_url = 7", "token_url is no text"),
        (f"[x]\n{URL}client_secret = 'hush'", "has no client_id"),
        (f"[x]\n{URL}client_id = 'id'", "needs a client_secret"),
        (f"[x]\n{URL}{CLIENT}authentication = 'none'", "needs a client_secret"),
        (f"[x]\n{URL}{CLIENT}authentication = 'jwt'", "none of post, basic, none"),
        (f"[x]\n{URL}{CLIENT}scopes = 'a b'", "scopes are no list"),
        (f"[x]\n{URL}{CLIENT}scopes = ['a b']", "scopes are no list"),
        (f"[x]\n{URL}{CLIENT}scope = ['a']", "scope is not known"),
        (f"[x]\n{URL}{CLIENT}tenant = 'a'", "tenant is for office365"),
        (f"[office365]\n{CLIENT}tenant = 'a/b'", "tenant is for office365"),
        ("#" * 70_000, "more than 65536 bytes"),
    ],
)
def test_a_wrong_file_is_told_without_its_secrets(
    tmp_path: Path, text: str | bytes, problem: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_providers(written(tmp_path, text))
    assert problem in refused.value.message
    assert "SERVICES84_MAIL_OAUTH_FILE" in refused.value.message
    assert "hush" not in refused.value.message


@pytest.mark.parametrize("mode", [0o604, 0o620, 0o602, 0o601])
def test_a_file_that_is_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(ConfigurationError, match="chmod 600"):
        read_providers(written(tmp_path, f"[x]\n{URL}{CLIENT}", mode))


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml: No such file"):
        read_providers(tmp_path / "nowhere.toml")


def test_without_a_file_there_is_nobody() -> None:
    assert read_providers(None) == {}


def test_the_great_providers_need_a_client_only(tmp_path: Path) -> None:
    text = f"[google]\n{CLIENT}\n[office365]\n{CLIENT}tenant = 'example.com'\n"
    found = read_providers(written(tmp_path, text, 0o640))
    assert found["google"] == MailProvider(
        "google", "https://oauth2.googleapis.com/token", "id", "hush"
    )
    office = found["office365"]
    assert office.token_url == "https://login.microsoftonline.com/example.com/oauth2/v2.0/token"
    assert office.scopes[0] == "https://outlook.office.com/IMAP.AccessAsUser.All"
    assert "hush" not in repr(office)


def test_any_other_is_described_whole(tmp_path: Path) -> None:
    text = (
        "[example]\ntoken_url = 'http://127.0.0.1:8080/token'\nclient_id = 'id'\n"
        "authentication = 'none'\nscopes = ['openid', 'mail']\n"
    )
    assert read_providers(written(tmp_path, text)) == {
        "example": MailProvider(
            "example", "http://127.0.0.1:8080/token", "id", "", ("openid", "mail"), "none"
        )
    }
