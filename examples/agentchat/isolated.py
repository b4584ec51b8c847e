"""The emitter under its first name, kept for those who import it."""

from __future__ import annotations

from agentchat.emitter import IsolatedWebSocketEventEmitter as RunEventEmitter

__all__ = ["RunEventEmitter"]
