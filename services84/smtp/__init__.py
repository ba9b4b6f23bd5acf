"""The submission client (RFC 6409)."""
