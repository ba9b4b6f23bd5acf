"""Real clients of the service, and what strangers send it."""

import pytest

# So that a scenario that fails says what it compared.
pytest.register_assert_rewrite(
    *(f"tests.conformance.scene{part}" for part in ("", "_accounts", "_folders", "_messages"))
)
