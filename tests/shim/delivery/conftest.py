"""No test leaves a keeper of undelivered events behind."""

from __future__ import annotations

import pytest

from shim import recipients, undelivered


@pytest.fixture(autouse=True)
def _no_keeper_is_left():
    yield
    recipients.forget()
    assert not undelivered._keepers, "a service was not stopped"
