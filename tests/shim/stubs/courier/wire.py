"""The stub network: answers what it was told, raises what it was told, and remembers who asked."""

from __future__ import annotations

import asyncio


class Wire:
    """`answers` maps a user to what pushes to that user give, one after the other; the last one stays."""

    def __init__(self, **answers):
        self.answers = {user: list(given) if isinstance(given, list) else [given] for user, given in answers.items()}
        self.calls = []

    async def push(self, user, event):
        self.calls.append(("push", user, event))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return self._answer(user)

    def push_now(self, user, event):
        self.calls.append(("push_now", user, event))
        return self._answer(user)

    async def announce(self, user, event):
        self.calls.append(("announce", user, event))
        return self._answer(user)

    def announce_now(self, user, event):
        self.calls.append(("announce_now", user, event))
        return self._answer(user)

    def _answer(self, user):
        left = self.answers.get(user, [True])
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer
