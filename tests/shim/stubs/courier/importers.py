"""Imports classes by name, as half of a host does."""

from courier.channel import Channel
from courier.office import Office as Bureau

LIVE = Channel("live", None)

__all__ = ["LIVE", "Bureau", "Channel"]
