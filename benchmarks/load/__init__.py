"""What a SOAP call costs under gunicorn, beside servers that do nothing but SOAP: see docs/load.md.

`python -m benchmarks.load` measures; never part of the tests but in a short form.
"""
