"""The long tests of crashes: `make soak`. Left out of any other run."""
