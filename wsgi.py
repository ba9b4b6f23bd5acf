"""The WSGI entry point, settings from the environment: `gunicorn wsgi:application`."""

from services84.application import Application

application = Application(background=True)
