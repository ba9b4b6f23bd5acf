"""MIME: bytes in, values out. Pure; `parse` never raises, whatever the message."""
