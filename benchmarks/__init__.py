"""Benchmarks: how near the sync comes to the wire, beside other clients. No part of the tests."""
