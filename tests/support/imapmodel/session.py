"""What the commands of one client mean to the model server: honest answers.

A session shows a folder as RFC 3501 demands: the client's numbers change only by the EXISTS and
EXPUNGE (or VANISHED) that it was sent, whatever happened to the folder meanwhile.
"""

from __future__ import annotations

import base64
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from io import BufferedReader
from typing import TYPE_CHECKING, Any

from tests.support.imapmodel.conversation import Conversation, Left, Refused
from tests.support.imapmodel.faults import Fault
from tests.support.imapmodel.mailbox import Folder, Message
from tests.support.imapmodel.wire import (
    Argument,
    Command,
    Illegal,
    fetch_items,
    members,
    quoted,
    uid_set,
)

if TYPE_CHECKING:
    from tests.support.imapmodel.server import Server

PASSWORD = "mail-secret-84"  # any name signs in with it


class Session(Conversation):
    """One signed-in (or not yet) client."""

    def __init__(self, server: Server, connection: socket.socket, lines: BufferedReader) -> None:
        super().__init__(server, connection, lines)
        self._qresync = self._condstore = False
        self._name = ""
        self._opening = ""  # OK: the last command has opened a folder; NO: none was since then
        self._folder: Folder | None = None
        self._validity = 0
        self._shown: list[int] = []  # UIDs in the order of the client's numbers
        self._told: dict[int, int] = {}  # UID → mod-sequence of the flags that it was told
        self._commands: dict[str, Callable[[Command], list[bytes]]] = {
            "CAPABILITY": self._capability,
            "NOOP": lambda _: [],
            "ID": lambda _: [b"* ID NIL"],
            "NAMESPACE": lambda _: [b'* NAMESPACE (("" "/")) NIL NIL'],
            "LOGIN": self._login,
            "AUTHENTICATE": self._authenticate,
            "ENABLE": self._enable,
            "LIST": self._list,
            "LSUB": self._lsub,
            "STATUS": self._status,
            "EXAMINE": self._examine,
            "UID FETCH": self._fetch,
            "UID SEARCH": self._search,
            "IDLE": self._idle,
            "CLOSE": self._unselect,
            "UNSELECT": self._unselect,
            "LOGOUT": self._logout,
        }

    def perform(self, said: Command, faults: list[Fault]) -> bytes:
        done = "OK [READ-ONLY] done" if said.name == "EXAMINE" else "OK done"
        untagged: list[bytes] = []
        try:
            self._check(said)
            self.refuse(faults)
            untagged = self.omitting(self._commands[said.name](said), said, faults)
        except Refused as refusal:
            untagged, done = list(refusal.given), f"NO {refusal}"
        except Illegal as problem:
            self._server.problems.append(f"{said.text}: {problem}")
            done = f"BAD {problem}"
        if said.name == "EXAMINE" or self._opening == "OK":
            self._opening = done.split()[0] if said.name == "EXAMINE" else ""
        untagged += self._news()
        untagged = [self.falsified(line, faults) for line in untagged]
        return b"".join(line + b"\r\n" for line in [*untagged, f"{said.tag} {done}".encode()])

    def _check(self, said: Command) -> None:
        before = {"CAPABILITY", "NOOP", "ID", "LOGIN", "AUTHENTICATE", "LOGOUT"}
        if said.name not in self._commands:
            raise Illegal("unknown here, or not for readers")
        if not self._signed_in and said.name not in before:
            raise Illegal("before the login")
        if said.name in {"UID FETCH", "UID SEARCH", "CLOSE", "UNSELECT"} and self._folder is None:
            # Sent ahead, it could not know.
            raise (Refused if self._opening == "NO" else Illegal)("no folder is open")
        for name in ("IDLE", "ENABLE", "UNSELECT", "NAMESPACE"):
            if said.name == name:
                self._need(name)

    def _need(self, *names: str) -> None:
        for name in names:
            if name not in self._server.offers:
                raise Illegal(f"{name} is not offered")

    def noise(self) -> bytes:
        """True or meaningless, and not asked for."""
        lines = [b"* OK [ALERT] the cake is ready", b"* 17 FLURB (what)", b"* FLAGS (\\Seen $New)"]
        with self._server.lock:
            for message in (self._messages() if self._folder else [])[:2]:
                number = self._shown.index(message.uid) + 1
                flags = " ".join(sorted(message.flags))
                lines.append(f"* {number} FETCH (FLAGS ({flags}))".encode())
                lines.append(f"* {number} FETCH (UID {message.uid} FLAGS ({flags}))".encode())
        return b"".join(line + b"\r\n" for line in lines)

    # Signing in ---------------------------------------------------------------------------------

    def _capability(self, _: Command) -> list[bytes]:
        return [b"* CAPABILITY " + self._offers()]

    def _login(self, said: Command) -> list[bytes]:
        return self._sign_in(str(said.arguments[-1]))

    def _authenticate(self, said: Command) -> list[bytes]:
        response = said.arguments[1] if len(said.arguments) > 1 else ""
        if not response:
            self._send(b"+ \r\n")
            response = self._lines.readline().decode().strip()
        return self._sign_in(base64.b64decode(str(response)).split(b"\0")[-1].decode())

    def _sign_in(self, password: str) -> list[bytes]:
        if password != PASSWORD:
            raise Refused("[AUTHENTICATIONFAILED] wrong")
        self._signed_in = True
        if self._server.flapping:
            for name in self._server.mailbox.folders:
                self._server.mailbox.renumber(name, same_uids=True)
        return []

    def _logout(self, _: Command) -> list[bytes]:
        self._folder = None
        return [b"* BYE so long"]

    def _enable(self, said: Command) -> list[bytes]:
        names = {str(one).upper() for one in said.arguments}
        self._need(*names)
        if self._folder is not None:
            raise Illegal("ENABLE with a folder open")
        self._qresync |= "QRESYNC" in names
        self._condstore |= bool(names & {"QRESYNC", "CONDSTORE"})
        return [b"* ENABLED " + " ".join(sorted(names)).encode()]

    # Folders ------------------------------------------------------------------------------------

    def _list(self, said: Command) -> list[bytes]:
        wanted = said.arguments[:2]
        if wanted != ["", "*"]:
            raise Illegal("only the whole list is kept here")
        options = self._return_options(said.arguments[2:])
        lines = []
        for name, folder in self._server.mailbox.folders.items():
            attributes = set(folder.attributes)
            if "SUBSCRIBED" in options and folder.subscribed:
                attributes.add("\\Subscribed")
            listed = " ".join(sorted(attributes))
            lines.append(f'* LIST ({listed}) "/" {quoted(name)}'.encode("latin-1"))
            if "STATUS" in options and folder.selectable and not folder.phantom:
                items = options[options.index("STATUS") + 1]
                lines.append(self._status_line(name, folder, items))
        return lines

    def _return_options(self, arguments: list[Argument]) -> list[Any]:
        if not arguments:
            return []
        self._need("LIST-EXTENDED")
        if arguments[0] != "RETURN" or not isinstance(arguments[1], list):
            raise Illegal("no RETURN options")
        options = arguments[1]
        for option, extension in (("SPECIAL-USE", "SPECIAL-USE"), ("STATUS", "LIST-STATUS")):
            if option in options:
                self._need(extension)
        return options

    def _lsub(self, _: Command) -> list[bytes]:
        folders = self._server.mailbox.folders
        return [
            f'* LSUB () "/" {quoted(name)}'.encode("latin-1")
            for name, folder in folders.items()
            if folder.subscribed
        ]

    def _status(self, said: Command) -> list[bytes]:
        name, items = said.arguments
        return [self._status_line(str(name), self._opened(str(name)), items)]

    def _status_line(self, name: str, folder: Folder, items: Argument) -> bytes:
        if "HIGHESTMODSEQ" in items:
            self._need("CONDSTORE")
        numbers = {
            "MESSAGES": len(folder.messages),
            "UIDNEXT": folder.uid_next,
            "UIDVALIDITY": folder.uid_validity,
            "UNSEEN": sum("\\Seen" not in message.flags for message in folder.messages),
            "RECENT": 0,
            "HIGHESTMODSEQ": folder.mod_seq if folder.keeps_mod_seq else 0,
        }
        shown = " ".join(f"{item} {numbers[str(item)]}" for item in items)
        return f"* STATUS {quoted(name)} ({shown})".encode("latin-1")

    def _opened(self, name: str) -> Folder:
        folder = self._server.mailbox.folders.get("INBOX" if name.upper() == "INBOX" else name)
        if folder is None:
            raise Refused("[NONEXISTENT] no such folder")
        if folder.phantom or not folder.selectable:
            raise Refused("this folder cannot be opened")
        return folder

    def _unselect(self, _: Command | None = None) -> list[bytes]:
        self._folder, self._shown, self._told = None, [], {}
        return []

    def _examine(self, said: Command) -> list[bytes]:
        was_open = self._folder is not None
        self._unselect()
        name, *options = said.arguments
        folder = self._opened(str(name))
        since = self._select_options(options)
        self._name, self._folder, self._validity = str(name), folder, folder.uid_validity
        self._shown = [message.uid for message in folder.messages]
        self._told = {message.uid: message.mod_seq for message in folder.messages}
        lines = [
            b"* OK [CLOSED] closed" if was_open and self._qresync else b"* OK hello",
            b"* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)",
            b"* OK [PERMANENTFLAGS ()] read-only",
            b"* %d EXISTS" % len(folder.messages),
            b"* 0 RECENT",
            b"* OK [UIDVALIDITY %d] valid" % folder.uid_validity,
            b"* OK [UIDNEXT %d] next" % folder.uid_next,
        ]
        if "CONDSTORE" in self._server.offers:
            known = f"HIGHESTMODSEQ {folder.mod_seq}" if folder.keeps_mod_seq else "NOMODSEQ"
            lines.append(f"* OK [{known}] so far".encode())
        if since is not None and since[0] == folder.uid_validity and folder.keeps_mod_seq:
            lines += self._vanished(folder, since[1])
            changed = [m for m in folder.messages if m.mod_seq > since[1]]
            lines += [self._fetched(message, ["FLAGS"]) for message in changed]
        return lines

    def _select_options(self, options: list[Argument]) -> tuple[int, int] | None:
        """What EXAMINE asks for beside the folder: UIDVALIDITY and mod-sequence of QRESYNC."""
        if not options:
            return None
        match options[0]:
            case ["CONDSTORE"]:
                self._need("CONDSTORE")
                self._condstore = True
                return None
            case ["QRESYNC", [validity, mod_seq, *_]] if self._qresync:
                return int(str(validity)), int(str(mod_seq))
        raise Illegal("EXAMINE with these options")

    def _vanished(self, folder: Folder, since: int) -> list[bytes]:
        if self._server.forgetful:  # it may tell of more than was asked (RFC 7162, 3.2.7)
            there = {message.uid for message in folder.messages}
            highest = min(folder.uid_next, 2000)
            gone = [uid for uid in range(1, highest) if uid not in there]
        else:
            gone = [uid for uid, mod_seq in folder.expunged if mod_seq > since]
        return [b"* VANISHED (EARLIER) " + uid_set(gone).encode()] if gone else []

    # Messages -----------------------------------------------------------------------------------

    def _messages(self) -> list[Message]:
        """The messages that the client knows of and that are still there."""
        assert self._folder is not None
        shown = set(self._shown)
        return [message for message in self._folder.messages if message.uid in shown]

    def _fetch(self, said: Command) -> list[bytes]:
        uids, items, *modifiers = said.arguments
        wanted = set(members(str(uids), self._shown))
        items = items if isinstance(items, list) else [items]
        chosen = [message for message in self._messages() if message.uid in wanted]
        lines: list[bytes] = []
        if modifiers:
            chosen, lines = self._since(modifiers[0], chosen)
        for message in chosen:
            bodies = any(str(item).upper().startswith("BODY.PEEK[]") for item in items)
            if bodies and message.fault == "NO":
                raise Refused("message is damaged", *lines)
            lines.append(self._fetched(message, [str(item) for item in items]))
        if self._server.expunge_issued and len(chosen) < len(wanted) and not modifiers:
            raise Refused("[EXPUNGEISSUED] some are gone", *lines)
        return lines

    def _since(
        self, modifier: Argument, chosen: list[Message]
    ) -> tuple[list[Message], list[bytes]]:
        self._need("CONDSTORE")
        assert self._folder is not None
        self._condstore = True
        match modifier:
            case ["CHANGEDSINCE", since, *rest] if rest in ([], ["VANISHED"]):
                if rest and not self._qresync:
                    raise Illegal("VANISHED without QRESYNC")
                if not self._folder.keeps_mod_seq:
                    raise (Refused if self._opening == "OK" else Illegal)("no mod-sequences")
                lines = self._vanished(self._folder, int(str(since))) if rest else []
                return [m for m in chosen if m.mod_seq > int(str(since))], lines
        raise Illegal("FETCH with these modifiers")

    def _fetched(self, message: Message, items: list[str]) -> bytes:
        assert self._folder is not None
        if "FLAGS" in map(str.upper, items):
            self._told[message.uid] = message.mod_seq
        number = self._shown.index(message.uid) + 1
        mod_seq = self._condstore and self._folder.keeps_mod_seq
        parts = b" ".join(fetch_items(message, items, mod_seq=mod_seq))
        return b"* %d FETCH (%s)" % (number, parts)

    def _search(self, said: Command) -> list[bytes]:
        arguments = list(said.arguments)
        extended = arguments[:1] == ["RETURN"]
        if extended:
            self._need("ESEARCH")
            if arguments[1] != ["ALL"]:
                raise Illegal("SEARCH RETURN of this")
            del arguments[:2]
        found = self._messages()
        while arguments:
            found = self._matching(str(arguments.pop(0)).upper(), arguments, found)
        uids = [message.uid for message in found]
        if extended:
            every = f" ALL {uid_set(uids)}" if uids else ""
            return [f'* ESEARCH (TAG "{said.tag}") UID{every}'.encode()]
        return [b"* SEARCH" + b"".join(b" %d" % uid for uid in uids)]

    def _matching(
        self, key: str, arguments: list[Argument], messages: list[Message]
    ) -> list[Message]:
        if key == "ALL":
            return messages
        if key == "UID":
            wanted = members(str(arguments.pop(0)), self._shown)
            return [message for message in messages if message.uid in wanted]
        if key in {"SINCE", "BEFORE"}:
            day = datetime.strptime(str(arguments.pop(0)), "%d-%b-%Y").replace(tzinfo=UTC)
            return [m for m in messages if (m.date >= day) == (key == "SINCE")]
        if key == "MODSEQ":
            self._need("CONDSTORE")
            least = int(str(arguments.pop(0)))
            return [message for message in messages if message.mod_seq >= least]
        raise Illegal(f"SEARCH for {key}")

    def _idle(self, said: Command) -> list[bytes]:
        self._send(b"+ idling\r\n")
        self._lines.readline()
        return []

    # News ---------------------------------------------------------------------------------------

    def _news(self) -> list[bytes]:
        """What has happened to the open folder since it was last told of."""
        folder = self._folder
        if folder is None:
            return []
        if self._gone():
            raise Left("the folder was changed under your feet")
        there = {message.uid: message for message in folder.messages}
        lines = self._told_expunges(there)
        if arrived := [uid for uid in there if uid not in self._told]:
            self._shown += arrived
            self._told |= {uid: there[uid].mod_seq for uid in arrived}
            lines.append(b"* %d EXISTS" % len(self._shown))
        for message in folder.messages:
            if message.mod_seq > self._told[message.uid]:
                lines.append(self._fetched(message, ["FLAGS"]))
        return lines

    def _gone(self) -> bool:
        there = self._server.mailbox.folders.get(self._name)
        return there is not self._folder or there.uid_validity != self._validity

    def _told_expunges(self, there: dict[int, Message]) -> list[bytes]:
        gone = [uid for uid in self._shown if uid not in there]
        lines = [b"* VANISHED " + uid_set(gone).encode()] if gone and self._qresync else []
        for uid in gone:
            number = self._shown.index(uid) + 1
            del self._shown[number - 1], self._told[uid]
            if not self._qresync:
                lines.append(b"* %d EXPUNGE" % number)
        return lines
