"""The status page at /status: how the accounts fare, for people. It asks and renders, no more."""
