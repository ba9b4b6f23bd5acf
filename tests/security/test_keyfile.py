"""The key file: turned a step at a time, replaced whole, its owner and comments kept."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

import pytest

from services84.errors import KeyUnavailable
from services84.security.keyfile import KeyFile, KeyRing

KEY = base64.b64encode(bytes(range(32))).decode()
OTHER_KEY = base64.b64encode(bytes(32)).decode()


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    path = tmp_path / "services84.key"
    path.write_text(f"# the third copy is in the safe\naa {KEY}\n")
    path.chmod(0o600)
    return KeyFile(path)


def _turn(file: KeyFile) -> KeyRing:
    with file.changing() as replace:
        replace(file.read().turned())
    return file.read()


def test_a_turn_adds_a_key_that_seals_and_keeps_the_former_one(file: KeyFile) -> None:
    ring = _turn(file)
    assert list(ring.keys) == [ring.sealing, "aa"]
    assert ring.retiring == ("aa",)
    assert len(ring.keys[ring.sealing]) == 32
    assert ring.keys["aa"] == bytes(range(32))


def test_a_turn_that_is_under_way_is_not_turned_again(file: KeyFile) -> None:
    ring = _turn(file)
    assert _turn(file) == ring
    with file.changing() as replace:
        replace(ring.without({"aa"}))
    assert list(file.read().keys) == [ring.sealing]


def test_a_prepared_key_is_the_next_to_seal(file: KeyFile) -> None:
    with file.changing() as replace:
        replace(file.read().with_prepared())
    ring = file.read()
    assert ring.sealing == "aa"
    assert ring.prepared is not None
    assert ring.with_prepared() is ring
    assert file.path.read_text().splitlines()[-1].endswith(" next")
    turned = _turn(file)
    assert turned.sealing == ring.prepared
    assert turned.retiring == ("aa",)


def test_the_key_that_seals_is_never_removed() -> None:
    ring = KeyRing.of_new_key()
    assert ring.without({ring.sealing}) == ring


def test_comments_stay_and_mode_and_place_as_well(file: KeyFile, tmp_path: Path) -> None:
    link = tmp_path / "elsewhere" / "key"
    link.parent.mkdir()
    link.symlink_to(file.path)
    _turn(KeyFile(link))
    assert link.is_symlink()
    assert file.path.read_text().startswith("# the third copy is in the safe\n")
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["services84.key"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root writes files of others")
def test_a_file_that_root_replaces_stays_its_owners(file: KeyFile) -> None:
    os.chown(file.path, 65534, 65534)
    _turn(file)
    status = file.path.stat()
    assert (status.st_uid, status.st_gid) == (65534, 65534)


def test_drafts_of_killed_processes_are_swept_and_nothing_else(file: KeyFile) -> None:
    draft = file.path.with_name(".services84.key.0123456789abcdef")
    others = [file.path.with_name(".services84.key.bak"), file.path.with_name("services84.key.1")]
    for path in [draft, *others]:
        path.write_text("")
    _turn(file)
    assert not draft.exists()
    assert all(path.exists() for path in others)


def test_two_do_not_change_a_file_at_once(file: KeyFile) -> None:
    with (
        file.changing(),
        pytest.raises(KeyUnavailable, match="another process is changing key file"),
        KeyFile(file.path).changing(),
    ):
        pass
    _turn(file)


def test_a_file_that_cannot_be_replaced_stays_as_it_is(
    file: KeyFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    before = file.path.read_text()
    with pytest.raises(KeyUnavailable, match=r"cannot replace key file .*: No space left"):
        _turn(file)
    assert file.path.read_text() == before
    assert len(list(file.path.parent.iterdir())) == 1


def test_no_representation_of_a_ring_holds_a_key(file: KeyFile) -> None:
    assert KEY not in repr(file.read())
    assert "keys" not in repr(file.read())
