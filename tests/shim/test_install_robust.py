"""An install meets whatever the process holds: objects whose truth raises; and one that fails leaves nothing behind."""

from __future__ import annotations

import pytest
from courier import channel
from courier_host import HOST

import shim
from shim import rebind


class Undecided:
    """Somebody's object, such as an array or a lazy query, whose truth raises."""

    def __init__(self, held):
        self.held = held

    def __bool__(self):
        raise ValueError("the truth of this is ambiguous")


def test_an_object_whose_truth_raises_is_looked_through(monkeypatch):
    monkeypatch.setattr(channel, "UNDECIDED", Undecided({"made": [channel.Channel]}), raising=False)
    made = shim.install(HOST)
    try:
        assert channel.UNDECIDED.held["made"][0] is made.classes[f"{channel.__name__}:Channel"]
    finally:
        assert made.uninstall() == []


@pytest.mark.parametrize("times", [1, 1_000])
def test_an_install_that_fails_half_way_leaves_the_host_as_it_was(monkeypatch, times):
    before, left, spots = channel.Channel, [None] * times, rebind.spots

    def broken(*given):
        if left:
            left.pop()
            raise RuntimeError("a bug of ours")
        return spots(*given)

    monkeypatch.setattr(rebind, "spots", broken)
    with pytest.raises(RuntimeError, match="a bug of ours"):
        shim.install(HOST)
    monkeypatch.undo()
    assert channel.Channel is before
    made = shim.install(HOST)
    assert made.uninstall() == []
