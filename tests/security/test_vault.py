"""The vault: what is sealed opens at its own place, with its own key, undamaged, and only then."""

from __future__ import annotations

import base64
import errno
import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from services84.errors import KeyUnavailable, SecretUnreadable
from services84.security.vault import Vault

PLACE: dict[str, Any] = {"table": "service_auth", "row": 7, "column": "password"}
KEY = base64.b64encode(bytes(range(32))).decode()
OTHER_KEY = base64.b64encode(bytes(32)).decode()


def _key_file(folder: Path, text: str | bytes, mode: int = 0o600) -> Path:
    path = folder / "services84.key"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return path


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    Vault.create_key_file(tmp_path / "services84.key")
    return Vault.load(tmp_path / "services84.key")


@pytest.mark.parametrize("secret", ["", "geheim", "Grüße 😀 \x00", "half \ud800", "x" * 100_000])
def test_what_is_sealed_opens_again(vault: Vault, secret: str) -> None:
    assert vault.open(vault.seal(secret, **PLACE), **PLACE) == secret


def test_a_sealed_text_says_its_key_and_hides_the_rest(vault: Vault) -> None:
    one, two = vault.seal("geheim", **PLACE), vault.seal("geheim", **PLACE)
    version, key_id, data = one.split(":")
    assert version == "v1"
    assert key_id in repr(vault)
    assert len(base64.b64decode(data)) == 12 + len("geheim") + 16
    assert one != two


@pytest.mark.parametrize(
    "elsewhere",
    [{"table": "x"}, {"row": 8}, {"column": "x"}, {"table": "service_auth\0007", "row": 0}],
)
def test_a_secret_moved_elsewhere_does_not_open(vault: Vault, elsewhere: dict[str, object]) -> None:
    sealed = vault.seal("geheim", **PLACE)
    with pytest.raises(SecretUnreadable, match="belongs elsewhere"):
        vault.open(sealed, **{**PLACE, **elsewhere})


def test_a_secret_with_any_byte_changed_does_not_open(vault: Vault) -> None:
    head, _, data = vault.seal("geheim", **PLACE).rpartition(":")
    raw = base64.b64decode(data)
    for position in range(len(raw)):
        damaged = bytearray(raw)
        damaged[position] ^= 1
        with pytest.raises(SecretUnreadable):
            vault.open(f"{head}:{base64.b64encode(damaged).decode()}", **PLACE)


@pytest.mark.parametrize(
    "sealed",
    [
        "",
        "geheim",
        "v1",
        "v1:",
        "v1:{key}",
        "v1:{key}:",
        "v1:{key}:!",
        "v1:{key}:QQ==",
        "v2:{key}:QQ==",
        "v1:{key}:ä",
    ],
)
def test_what_is_no_sealed_text_is_refused_and_not_shown(tmp_path: Path, sealed: str) -> None:
    vault = Vault.load(_key_file(tmp_path, f"aa {KEY}\n"))
    with pytest.raises(SecretUnreadable) as refused:
        vault.open(sealed.replace("{key}", "aa"), **PLACE)
    assert "service_auth 7" in str(refused.value)
    assert "geheim" not in str(refused.value)


def test_the_first_key_seals_and_all_of_them_open(tmp_path: Path) -> None:
    old = Vault.load(_key_file(tmp_path, f"old {OTHER_KEY}\n"))
    sealed = old.seal("geheim", **PLACE)
    both = Vault.load(_key_file(tmp_path, f"# rotated\n\nnew {KEY}\nold {OTHER_KEY}"))
    assert both.open(sealed, **PLACE) == "geheim"
    resealed = both.seal("geheim", **PLACE)
    assert resealed.startswith("v1:new:")
    stranger = Vault.load(_key_file(tmp_path, f"old {OTHER_KEY}\n"))
    with pytest.raises(SecretUnreadable, match="not in the key file"):
        stranger.open(resealed, **PLACE)


def test_a_vault_goes_over_to_a_changed_file_by_itself(tmp_path: Path) -> None:
    running = Vault.load(_key_file(tmp_path, f"old {OTHER_KEY}\n"))
    before = running.seal("geheim", **PLACE)
    _key_file(tmp_path, f"new {KEY}\nold {OTHER_KEY}\n")
    other = Vault.load(tmp_path / "services84.key")
    assert running.open(other.seal("neu", **PLACE), **PLACE) == "neu"
    assert running.seal("geheim", **PLACE).startswith("v1:new:")
    _key_file(tmp_path, f"new {KEY}\n")
    assert running.seals_as(running.seal("geheim", **PLACE))
    assert not running.seals_as(before)
    assert running.open(before, **PLACE) == "geheim", "read before the former key was removed"


def test_nothing_is_sealed_with_keys_that_are_in_no_file(tmp_path: Path) -> None:
    path = _key_file(tmp_path, f"aa {KEY}\n")
    vault = Vault.load(path)
    sealed = vault.seal("geheim", **PLACE)
    path.unlink()
    with pytest.raises(KeyUnavailable, match="there is no key file"):
        vault.seal("geheim", **PLACE)
    assert vault.open(sealed, **PLACE) == "geheim"
    with pytest.raises(SecretUnreadable, match="there is no key file"):
        vault.open(sealed.replace("v1:aa:", "v1:bb:"), **PLACE)


def test_a_prepared_key_opens_and_does_not_seal(tmp_path: Path) -> None:
    vault = Vault.load(_key_file(tmp_path, f"soon {OTHER_KEY} next\naa {KEY}\n"))
    assert vault.seal("geheim", **PLACE).startswith("v1:aa:")
    elsewhere = Vault.load(_key_file(tmp_path, f"soon {OTHER_KEY}\n"))
    assert vault.open(elsewhere.seal("geheim", **PLACE), **PLACE) == "geheim"


def test_a_key_of_the_same_name_is_not_the_same_key(tmp_path: Path) -> None:
    sealed = Vault.load(_key_file(tmp_path, f"aa {KEY}")).seal("geheim", **PLACE)
    with pytest.raises(SecretUnreadable):
        Vault.load(_key_file(tmp_path, f"aa {OTHER_KEY}")).open(sealed, **PLACE)


def test_the_key_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Vault.create_key_file(tmp_path / "key")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    path = _key_file(tmp_path, "precious")
    with pytest.raises(KeyUnavailable, match="never overwritten"):
        Vault.create_key_file(path)
    assert path.read_text() == "precious"
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(KeyUnavailable):
        Vault.create_key_file(link)


def test_of_many_who_make_a_key_file_one_does_and_all_find_it_whole(tmp_path: Path) -> None:
    together = threading.Barrier(8)

    def make(number: int) -> bool:
        path = tmp_path / f"key-{number // 8}"
        together.wait(30)
        try:
            Vault.create_key_file(path)
        except KeyUnavailable:
            Vault.load(path)
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(make, range(8 * 50)))
    assert sum(made) == 50
    assert len(list(tmp_path.iterdir())) == 50


def test_a_key_file_that_cannot_be_written_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KeyUnavailable, match="No space left"):
        Vault.create_key_file(tmp_path / "key")
    assert list(tmp_path.iterdir()) == []


def test_a_key_file_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyUnavailable, match="nowhere/key"):
        Vault.create_key_file(tmp_path / "nowhere" / "key")


def test_a_missing_key_file_is_named_with_advice(tmp_path: Path) -> None:
    with pytest.raises(KeyUnavailable, match=r"nowhere; `services84 init`"):
        Vault.load(tmp_path / "nowhere")
    with pytest.raises(KeyUnavailable):
        Vault.load(tmp_path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610, 0o601, 0o777])
def test_a_key_file_that_others_can_open_is_refused(tmp_path: Path, mode: int) -> None:
    path = _key_file(tmp_path, f"aa {KEY}", mode)
    with pytest.raises(KeyUnavailable, match="chmod 600"):
        Vault.load(path)
    path.chmod(0o400)
    Vault.load(path)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"# only a comment\n",
        b"\xff\xfe\x00",
        KEY.encode(),
        f"aa {KEY}\ngarbage".encode(),
        f"aa {KEY[:-4]}".encode(),
        f"aa {KEY}AAAA".encode(),
        f"a:a {KEY}".encode(),
        f"aa {KEY} next".encode(),
        f"aa {KEY} soon".encode(),
        f"aa {KEY}\nbb {OTHER_KEY} next\ncc {KEY} next".encode(),
        f"aa {KEY}\naa {OTHER_KEY}".encode(),
    ],
)
def test_a_file_that_holds_anything_else_is_refused_and_not_shown(
    tmp_path: Path, text: bytes
) -> None:
    with pytest.raises(KeyUnavailable, match="key file") as refused:
        Vault.load(_key_file(tmp_path, text))
    assert KEY[:10] not in str(refused.value)


def test_no_representation_holds_a_key(tmp_path: Path) -> None:
    vault = Vault.load(_key_file(tmp_path, f"aa {KEY}"))
    assert repr(vault) == "Vault(active='aa', keys=1)"
