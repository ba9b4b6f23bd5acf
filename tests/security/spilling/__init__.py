"""Whoever quotes what it was told spills secrets: mail servers, the HTTP server, errors, crashes."""
