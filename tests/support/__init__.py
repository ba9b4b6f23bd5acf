"""Real servers and other helpers of the tests."""
