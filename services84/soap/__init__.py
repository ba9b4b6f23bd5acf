"""The SOAP front end: 1.1 and 1.2 at one address, over the tables of `agents`.

Importing this package imports the carriers, which make Spyne importable, before any of its
modules imports Spyne.
"""

import services84.carriers  # noqa: F401
