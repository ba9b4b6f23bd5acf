"""A small IMAP server with known state, honest unless told otherwise: an instrument for tests.

`mailbox` is what the server holds (pure), `faults` what it does wrong and when, `conversation`
and `session` the protocol, `server` the sockets. It serves readers: what a sync may not do
(select for writing, read a body without PEEK, use what is not offered) is refused and kept in
`Server.problems`.
"""
