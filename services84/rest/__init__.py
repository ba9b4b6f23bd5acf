"""The web API front end: the operations of `agents` as HTTP resources in JSON and XML.

Translates and calls; holds no logic of its own. Flask and Werkzeug are imported here alone.
"""
