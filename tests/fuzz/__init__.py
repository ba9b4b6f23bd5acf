"""Fuzzing: bytes made up by a machine, and the promises that hold for all of them.

`promises_*` say what must hold, `inputs` where a fuzzer begins, `found/` what fuzzers have found;
`python -m tests.fuzz TARGET` looks for more (`make fuzz`).
"""
