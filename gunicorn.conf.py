"""Settings of the server for `gunicorn wsgi:application`: those of `services84 serve`."""

from services84.cli.server_options import server_options
from services84.logs import set_up_logging
from services84.settings import read_settings

_settings = read_settings()
set_up_logging(_settings)
globals().update(server_options(_settings))
