"""services84: a self-hosted mirror of SuperOffice NetServer's Services84 e-mail service.

This module names the version and nothing else; `application.py` puts the parts together.
"""

__version__ = "0.1.0"
