"""A connection to a real server: ways in, folders, flags and messages."""

from __future__ import annotations

import imaplib
import ssl
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services84.errors import LoginRefused, MailServerRefused, TlsFailed
from services84.imap.connection import ImapConnection
from services84.imap.names import encode_name
from services84.imap.values import FetchedIdentity, FetchedMessage, FlagState, ListedFolder
from services84.mailhost import Login, MailHost, Mechanism, Transport
from services84.mime.parse import parse, part_bytes
from tests.imap.conftest import SECRET, commands, open_imap
from tests.support.dovecot import DovecotServer

# Ways in ----------------------------------------------------------------------------------------

WAYS = [
    ("port_plain", Transport.PLAIN),
    ("port_plain", Transport.STARTTLS),
    ("port_starttls", Transport.STARTTLS),
    ("port_starttls", Transport.PLAIN),
    ("port_tls", Transport.TLS),
]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("mechanism", [Mechanism.PASSWORD, Mechanism.CRAM_MD5])
@pytest.mark.parametrize(("port", "transport"), WAYS)
def test_every_way_in(
    dovecot: DovecotServer,
    user: str,
    port: str,
    transport: Transport,
    mechanism: Mechanism,
    host: str,
) -> None:
    login = Login(user, SECRET, mechanism)
    with open_imap(
        getattr(dovecot, port), login, transport, host=host, ca_file=dovecot.ca_file
    ) as connection:
        assert "CONDSTORE" in connection.capabilities
        assert [folder.name for folder in connection.folders()] == ["INBOX"]
    assert dovecot.logins(user) == 1


@pytest.mark.parametrize("mechanism", [Mechanism.PASSWORD, Mechanism.CRAM_MD5])
def test_a_wrong_password_is_refused(
    dovecot: DovecotServer, user: str, mechanism: Mechanism
) -> None:
    with pytest.raises(LoginRefused) as caught:
        open_imap(dovecot.port_plain, Login(user, "wrong-secret", mechanism))

    assert str(caught.value) == (
        f"login refused by 127.0.0.1:{dovecot.port_plain}: "
        "[AUTHENTICATIONFAILED] Authentication failed."
    )


@pytest.mark.parametrize("name", ["jörg", "a b@example.com", "a+b"])
def test_unusual_user_names(dovecot: DovecotServer, name: str) -> None:
    dovecot.add_user(name, "pässwörd 84")

    open_imap(dovecot.port_plain, Login(name, "pässwörd 84")).close()


def test_a_control_character_in_a_password_is_not_sent(dovecot: DovecotServer, user: str) -> None:
    with pytest.raises(LoginRefused, match="holds a control character") as caught:
        open_imap(dovecot.port_plain, Login(user, "top\0secret"))
    assert "secret" not in str(caught.value)


def test_a_token_where_no_token_is_taken(dovecot: DovecotServer, user: str) -> None:
    with pytest.raises(LoginRefused, match="offers no OAUTHBEARER or XOAUTH2"):
        open_imap(dovecot.port_plain, Login(user, SECRET, Mechanism.OAUTH))


@pytest.mark.parametrize(
    ("port", "transport"), [("port_starttls", Transport.STARTTLS), ("port_tls", Transport.TLS)]
)
def test_an_untrusted_certificate_is_refused(
    dovecot: DovecotServer, user: str, port: str, transport: Transport
) -> None:
    with pytest.raises(TlsFailed, match=r"certificate of .* is not trusted: unable to get local"):
        open_imap(getattr(dovecot, port), Login(user, SECRET), transport)
    assert dovecot.logins(user) == 0


def test_a_certificate_for_another_name_is_refused(dovecot: DovecotServer, user: str) -> None:
    with pytest.raises(TlsFailed, match=r"certificate of 127\.0\.0\.2:\d+ is for another address"):
        open_imap(
            dovecot.port_tls,
            Login(user, SECRET),
            Transport.TLS,
            host="127.0.0.2",
            ca_file=dovecot.ca_file,
            far=True,
        )


def test_tls_where_none_is_spoken(dovecot: DovecotServer, user: str) -> None:
    with pytest.raises(TlsFailed, match="the server does not speak TLS on this port"):
        open_imap(dovecot.port_plain, Login(user, SECRET), Transport.TLS)


def test_a_password_is_not_sent_in_clear_to_another_host(dovecot: DovecotServer, user: str) -> None:
    with pytest.raises(TlsFailed, match="offers no TLS, and a password is not sent unprotected"):
        open_imap(dovecot.port_plain, Login(user, SECRET), far=True)

    assert dovecot.logins(user) == 0
    open_imap(
        dovecot.port_plain, Login(user, SECRET), Transport.PLAIN, far=True, allow_cleartext=True
    ).close()


def test_a_trace_tells_commands_and_no_secret(dovecot: DovecotServer, user: str) -> None:
    told: list[str] = []
    with open_imap(dovecot.port_plain, Login(user, SECRET), trace=told.append) as connection:
        connection.folders()

    assert commands(told) == ["AUTHENTICATE", "LIST", "LOGOUT"]


def test_connections_are_closed_twice_without_harm(connection: ImapConnection) -> None:
    connection.close()
    connection.close()

    with pytest.raises(Exception, match="has ended"):
        connection.folders()


# Folders ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("extended", [True, False])
def test_folders_with_their_attributes(
    dovecot: DovecotServer, user: str, connection: ImapConnection, extended: bool
) -> None:
    with dovecot.client(user) as client:
        for name in ("Entwürfe/Größe & Co", "Sent", 'quo"te', "台北"):
            client.create('"' + encode_name(name).decode().replace('"', '\\"') + '"')
        client.subscribe("Sent")
    if not extended:
        connection._session.capabilities -= {"LIST-EXTENDED"}

    folders = {folder.name: folder for folder in connection.folders()}

    assert set(folders) == {"INBOX", "Entwürfe", "Entwürfe/Größe & Co", "Sent", 'quo"te', "台北"}
    sent = folders["Sent"]
    assert replace(sent, status=None) == ListedFolder(
        "Sent", "Sent", "/", sent.attributes, subscribed=True
    )
    assert (sent.status is not None) is extended
    assert "\\sent" in sent.attributes
    assert folders["台北"].server_name == "&U,BTFw-"
    assert not folders["台北"].subscribed
    assert folders["Entwürfe"].attributes & {"\\noselect", "\\nonexistent"}


def test_every_listed_folder_can_be_examined(
    dovecot: DovecotServer, user: str, connection: ImapConnection
) -> None:
    for name in ("a/b c", 'quo"te', "&", "台北/日本"):
        dovecot.deliver(user, encode_name(name).decode(), b"Subject: x\r\n\r\n")

    for folder in connection.folders():
        if not folder.attributes & {"\\noselect", "\\nonexistent"}:
            examined = connection.examine(folder.server_name)
            assert examined.exists == (folder.name != "INBOX")
            assert examined.uid_next == examined.exists + 1
            assert examined.highest_mod_seq


def test_a_folder_that_is_not_there_is_refused(connection: ImapConnection) -> None:
    with pytest.raises(MailServerRefused, match=r"refused EXAMINE: .*[Mm]ailbox"):
        connection.examine("nowhere")
    with pytest.raises(MailServerRefused, match="refused EXAMINE"):
        connection.examine("n\xfcwhere\r\na1 LOGOUT")

    assert connection.examine("INBOX").exists == 0


def test_mod_seqs_tell_of_changes(
    dovecot: DovecotServer, user: str, connection: ImapConnection
) -> None:
    dovecot.deliver(user, "INBOX", b"Subject: x\r\n\r\n")
    before = connection.examine("INBOX")
    again = connection.examine("INBOX")
    with dovecot.client(user) as client:
        client.select("INBOX")
        client.store("1", "+FLAGS", "\\Flagged")
    after = connection.examine("INBOX")

    assert before == again
    assert (after.highest_mod_seq or 0) > (before.highest_mod_seq or 0)
    assert after.uid_validity == before.uid_validity


# Messages ---------------------------------------------------------------------------------------

WHEN = datetime(2024, 2, 29, 10, 11, 12, tzinfo=UTC)
SOURCE = b"Message-ID: <1@example.com>\r\nSubject: x\r\n\r\nbody with {5}\r\n) and \xff\x00"[:-1]


def test_an_empty_folder_is_asked_for_nothing(dovecot: DovecotServer, user: str) -> None:
    told: list[str] = []
    with open_imap(dovecot.port_plain, Login(user, SECRET), trace=told.append) as connection:
        connection.examine("INBOX")
        assert connection.flags() == {}
        assert connection.sizes([1]) == {}
        assert list(connection.messages([1])) == []
        assert connection.identities() == {}
        assert connection.uids() == []
        assert commands(told) == ["AUTHENTICATE", "ENABLE", "EXAMINE"]


def test_messages_come_as_they_are(
    dovecot: DovecotServer, user: str, connection: ImapConnection
) -> None:
    dovecot.deliver(user, "INBOX", SOURCE, flags="(\\Seen Label)", internal_date=WHEN)
    dovecot.deliver(user, "INBOX", b"Subject: no id\r\n\r\n")
    connection.examine("INBOX")

    flags = connection.flags()
    assert flags[1].flags >= {"\\Seen", "Label"}
    assert connection.sizes([1, 2, 3]) == {1: len(SOURCE), 2: 18}
    second, first = connection.messages([3, 2, 1, 2])
    assert first == FetchedMessage(1, flags[1].flags, WHEN, len(SOURCE), SOURCE)
    assert second.uid == 2
    assert connection.identities() == {
        1: FetchedIdentity("<1@example.com>", WHEN, len(SOURCE)),
        2: FetchedIdentity("", second.internal_date, 18),
    }
    assert set(connection.identities([2])) == {2}


def test_looking_changes_nothing(
    dovecot: DovecotServer, user: str, connection: ImapConnection
) -> None:
    dovecot.deliver(user, "INBOX", SOURCE)
    connection.examine("INBOX")
    list(connection.messages([1]))
    connection.identities()
    connection.close()

    with dovecot.client(user) as client:
        client.select("INBOX", readonly=True)
        _, data = client.fetch("1", "(FLAGS)")
        assert b"\\Seen" not in data[0]


def test_what_happens_meanwhile_is_taken(
    dovecot: DovecotServer, user: str, connection: ImapConnection
) -> None:
    dovecot.deliver(user, "INBOX", *[SOURCE] * 5)
    connection.examine("INBOX")
    with dovecot.client(user) as client:
        client.select("INBOX")
        client.store("4", "+FLAGS", "\\Flagged")
        client.store("2", "+FLAGS", "\\Deleted")
        client.expunge()
        client.append("INBOX", "", "", SOURCE)

    assert [message.uid for message in connection.messages([1, 2, 3])][-1] == 3
    flags = connection.flags()
    assert set(flags) == {1, 3, 4, 5, 6}
    assert "\\Flagged" in flags[4].flags


def test_many_messages_come_in_several_commands(
    dovecot: DovecotServer, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services84.imap.reading.MESSAGES_A_COMMAND", 20)
    monkeypatch.setattr("services84.imap.reading.LONGEST_SET", 40)
    told: list[str] = []
    sources = [b"Subject: %d\r\n\r\n" % at + b"x" * at for at in range(30)]
    dovecot.deliver(user, "INBOX", *sources)
    with open_imap(dovecot.port_plain, Login(user, SECRET), trace=told.append) as connection:
        assert connection.examine("INBOX").exists == 30
        uids = list(range(30, 0, -1))
        messages = list(connection.messages(uids))

        assert [message.uid for message in messages] == uids
        assert [message.source for message in messages] == sources[::-1]
        assert commands(told).count("UID") == 2
        assert set(connection.sizes(range(1, 30, 2))) == set(range(1, 30, 2))
        assert commands(told).count("UID") == 3
        assert len(connection.flags()) == 30
        assert isinstance(connection.flags()[1], FlagState)


def test_a_large_message_over_tls(dovecot: DovecotServer, user: str) -> None:
    source = b"Subject: large\r\n\r\n" + bytes(range(32, 256)) * 80_000
    dovecot.deliver(user, "INBOX", source)
    with open_imap(
        dovecot.port_tls, Login(user, SECRET), Transport.TLS, ca_file=dovecot.ca_file
    ) as connection:
        connection.examine("INBOX")
        (message,) = connection.messages([1])

        assert message.source == source
        assert message.size == len(message.source or b"")


def test_the_corpus_comes_through_byte_for_byte(
    dovecot: DovecotServer, user: str, connection: ImapConnection, shared_folder: Path
) -> None:
    """And its parts are numbered as the server numbers them."""
    paths = sorted((shared_folder / "corpus").glob("*.eml"))
    sources = [path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") for path in paths]
    dovecot.deliver(user, "INBOX", *sources)
    connection.examine("INBOX")
    uids = range(1, len(sources) + 1)

    assert [m.source for m in connection.messages(uids)] == sources
    assert connection.sizes(uids) == {uid: len(s) for uid, s in zip(uids, sources, strict=True)}
    identities = connection.identities()
    assert sum(not identity.message_id for identity in identities.values()) < len(uids) / 4
    with dovecot.client(user) as client:
        client.select("INBOX", readonly=True)
        for uid, source in zip(uids, sources, strict=True):
            parsed = parse(source)
            # Where the fields are broken, we and Dovecot may see their end at different lines.
            seen = {identities[uid].message_id, parsed.message_id}
            assert len(seen) == 1 or "" in seen, paths[uid - 1].name
            for attachment in parsed.attachments[:10]:
                mine = part_bytes(source, attachment.part)
                theirs = decoded(client, uid, attachment.part, attachment.encoding)
                # Dovecot counts the line end before an outer boundary in some nestings.
                assert mine is not None
                assert mine.rstrip(b"\r\n") == theirs.rstrip(b"\r\n"), (uid, attachment)


def decoded(client: imaplib.IMAP4, uid: int, part: str, encoding: str) -> bytes:
    """A part as the server gives it, by itself in a message."""
    _, data = client.uid("FETCH", str(uid), f"(BODY.PEEK[{part}])")
    raw = data[0][1] if isinstance(data[0], tuple) else b""
    alone = b"Content-Transfer-Encoding: " + encoding.encode() + b"\r\n\r\n" + raw
    return part_bytes(alone, "1") or b""


def test_a_host_is_named_as_it_was_given(dovecot: DovecotServer, user: str) -> None:
    assert str(MailHost("::1", 143, Transport.STARTTLS)) == "[::1]:143"
    with pytest.raises(LoginRefused, match=r"refused by localhost:\d+"):
        open_imap(dovecot.port_plain, Login(user, "wrong-secret"), host="localhost")


def test_tls_below_1_2_is_not_spoken() -> None:
    from services84.mailtls import context

    made = context(None)
    assert made.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert made.check_hostname
    assert made.verify_mode is ssl.CERT_REQUIRED
