"""From mail server to database cache: what to do (`plan`), doing it (`engine`, `folder`),
how gently (`politeness`) and for whom (`desk`, `executor`). No carrier, no SOAP, no SQL.
"""
