"""The service's own texts in the languages of its callers: English in, another language out.

Errors are raised, logged and stored in English, with their values filled in; a front end that
knows its caller's language has them translated on their way out. A text is recognised by the
template it was made from, so one that was stored a week ago is translated as one of this moment.
Nothing here knows HTTP, errors or accounts.
"""
