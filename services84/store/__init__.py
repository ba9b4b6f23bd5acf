"""The database: associates, accounts, folders, mail. Only this room builds SQL.

Rows come out as the frozen values of `values.py`; nothing here knows the mail server, a carrier
or the wire.
"""
