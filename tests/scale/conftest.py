"""Installations of many processes."""

from tests.support.installation import installation

__all__ = ["installation"]
