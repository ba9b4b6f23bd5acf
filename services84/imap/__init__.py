"""The IMAP client: names and responses (pure), framing (pure), and the connection."""
