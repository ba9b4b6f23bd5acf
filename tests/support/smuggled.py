"""Requests whose end two servers could see in different places (RFC 9112, 11.2), and others that
only a lenient server takes. Bytes as they go over the wire, without what is to be smuggled."""

from __future__ import annotations

PATH = b"/Remote/Services84/EMail.svc"
CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
# What comes after each of them: to a server that has ended the request too early, another one.
SMUGGLED = (
    b"GET /Smuggled/Remote/Services84/EMail.svc HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
)


def post(
    fields: bytes,
    body: bytes = b"",
    *,
    line: bytes = b"POST " + PATH + b" HTTP/1.1",
    host: bytes = b"Host: localhost\r\n",
) -> bytes:
    return line + b"\r\n" + host + b"Content-Type: text/xml\r\n" + fields + b"\r\n" + body


# Refused, with the end of the connection: what follows is nobody's request.
LENGTHS = {
    "a length and chunks": post(b"Content-Length: 6\r\n" + CHUNKED, b"0\r\n\r\nG"),
    "chunks and a length": post(CHUNKED + b"Content-Length: 4\r\n", CHUNKS),
    "two lengths": post(b"Content-Length: 0\r\nContent-Length: 80\r\n"),
    "one length twice": post(b"Content-Length: 5\r\nContent-Length: 5\r\n", b"hello"),
    "a list of lengths": post(b"Content-Length: 5, 5\r\n", b"hello"),
    "a length with a sign": post(b"Content-Length: +5\r\n", b"hello"),
    "a negative length": post(b"Content-Length: -1\r\n"),
    "a length as Python writes it": post(b"Content-Length: 5_0\r\n", b"x" * 50),
    "a length in hexadecimal": post(b"Content-Length: 0x5\r\n", b"hello"),
    "a length after a vertical tab": post(b"Content-Length: \x0b5\r\n", b"hello"),
    "a length in other digits": post("Content-Length: \u0665\r\n".encode(), b"hello"),
    "no digits": post(b"Content-Length: \r\n"),
    "a length that no computer has": post(b"Content-Length: " + b"9" * 26 + b"\r\n"),
    "a space before the colon": post(b"Content-Length : 5\r\n", b"hello"),
    "a space before the name": post(b" Content-Length: 5\r\n", b"hello"),
}
ENCODINGS = {
    "an unknown encoding": post(b"Transfer-Encoding: xchunked\r\n", CHUNKS),
    "chunks that are not the last": post(b"Transfer-Encoding: chunked, identity\r\n", CHUNKS),
    "no encoding by name": post(b"Transfer-Encoding: identity\r\n", CHUNKS),
    "chunks of chunks": post(b"Transfer-Encoding: chunked, chunked\r\n", CHUNKS),
    "chunks twice": post(CHUNKED * 2, CHUNKS),
    "packed chunks": post(b"Transfer-Encoding: gzip, chunked\r\n", CHUNKS),
    "a space before its colon": post(b"Transfer-Encoding : chunked\r\n", CHUNKS),
    "a vertical tab": post(b"Transfer-Encoding: \x0bchunked\r\n", CHUNKS),
    "a folded line": post(b"Transfer-Encoding:\r\n chunked\r\n", CHUNKS),
    "quotes": post(b'Transfer-Encoding: "chunked"\r\n', CHUNKS),
    "a zero byte": post(b"Transfer-Encoding: chunked\x00\r\n", CHUNKS),
    "behind a bare carriage return": post(b"X: a\r" + CHUNKED, CHUNKS),
    "behind a bare line feed": post(b"X: a\n" + CHUNKED, CHUNKS),
    "chunks in HTTP/1.0": post(CHUNKED, CHUNKS, line=b"POST " + PATH + b" HTTP/1.0"),
}
CHUNK_ENDS = {
    "0x": post(CHUNKED, b"0x5\r\nhello\r\n0\r\n\r\n"),
    "a sign": post(CHUNKED, b"+5\r\nhello\r\n0\r\n\r\n"),
    "an underscore": post(CHUNKED, b"0_5\r\nhello\r\n0\r\n\r\n"),
    "a space before": post(CHUNKED, b" 5\r\nhello\r\n0\r\n\r\n"),
    "other digits": post(CHUNKED, "\u0665\r\nhello\r\n0\r\n\r\n".encode()),
    "line feeds": post(CHUNKED, b"5\nhello\n0\n\n"),
    "a line feed in an extension": post(CHUNKED, b"5;a\nb\r\nhello\r\n0\r\n\r\n"),
    "more than was said": post(CHUNKED, b"5\r\nhelloXX0\r\n\r\n"),
    "a length behind": post(CHUNKED, b"5\r\nhello\r\n0\r\nContent-Length: 90\r\n\r\n"),
}
HEADS = {
    "line feeds alone": post(b"Content-Length: 5\r\n", b"hello").replace(b"\r\n", b"\n"),
    "a zero byte in a value": post(b"X: a\x00b\r\n"),
    "a name with parentheses": post(b"X(y): a\r\n"),
    "no name": post(b": a\r\n"),
    "no colon": post(b"hello\r\n"),
    "a folded value": post(b"X: a\r\n b\r\n"),
    "two spaces": post(b"", line=b"POST  " + PATH + b" HTTP/1.1"),
    "tabs": post(b"", line=b"POST\t" + PATH + b"\tHTTP/1.1"),
    "a version that is none": post(b"", line=b"POST " + PATH + b" HTTP/1.11"),
    "another version": post(b"", line=b"POST " + PATH + b" HTTP/2.0"),
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET " + PATH + b"\r\n\r\n",
    "a method in small letters": post(b"", line=b"post " + PATH + b" HTTP/1.1"),
    "a tunnel": post(b"", line=b"CONNECT localhost:1 HTTP/1.1"),
    "two hosts": post(b"", host=b"Host: a\r\nHost: b\r\n"),
}
REFUSED = LENGTHS | ENCODINGS | CHUNK_ENDS | HEADS

# Understood, in one way only: what follows is a request of its own.
UNDERSTOOD = {
    "no body": post(b""),
    "a length": post(b"Content-Length: 5\r\n", b"hello"),
    "chunks": post(CHUNKED, CHUNKS),
    "chunks with an extension": post(CHUNKED, b"5;a=b\r\nhello\r\n0\r\n\r\n"),
    "a length under another name": post(b"Content_Length: 200\r\n"),
    "a length that Connection names": post(
        b"Connection: Content-Length\r\nContent-Length: 5\r\n", b"hello"
    ),
    "another protocol": post(
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    ),
    "a whole address": post(b"", line=b"POST http://localhost" + PATH + b" HTTP/1.1"),
    "TRACE": post(b"", line=b"TRACE " + PATH + b" HTTP/1.1"),
}
