"""The way to a service."""

import pytest

from stepbias import Client, StepbiasError


@pytest.mark.parametrize("key", ["bad\nkey", "schlüssel", "a\x7fb"])
def test_a_key_that_cannot_be_sent_is_refused_and_not_repeated(key: str) -> None:
    """No header could hold it."""
    with pytest.raises(StepbiasError, match="characters that no key has") as refused:
        Client("http://127.0.0.1:9", api_key=key)
    assert key not in str(refused.value)
