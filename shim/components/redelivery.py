"""Messages that a buffer loses on their second way: a failed delivery, a retry, a buffer that is cleared or stopped.

Enforce loses none of them to the host's defects: what could not be delivered goes back where it was, and a retry loop
that fails waits before it tries again. What the host drops by its own policy (retries used up, a buffer that is
cleared) stays dropped, and is told. Observe repairs nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from shim.codes import Code
from shim.components.waiting import Delivery, dropped, ids, put_first, under_way, without_limit
from shim.errors import WebSocketBufferOverflowError, WebSocketSendFailureError
from shim.frames import Frame, frame_of
from shim.snapshot import Mode

__all__ = ["RETRY_PAUSE_S", "RedeliveryMixin"]

RETRY_PAUSE_S = 1.0
"Seconds between two rounds of the retry loop after one that failed: the host's own pause after one that did not."


class RedeliveryMixin:
    """Goes before a host's buffer class."""

    config: Any
    stats: Any
    failloud_queues: ClassVar[str]
    failloud_declining_waits: ClassVar[bool] = False
    "A message that the callback declines goes on waiting: that is what the host promises, and no failure."

    async def deliver_buffered_messages(self, user_id: str, *args: Any, **kwargs: Any) -> Any:
        """See what the callback answers for each message, and what is still there afterwards."""
        frame, queues = frame_of(self), getattr(self, self.failloud_queues)
        if frame is None or not (args or kwargs):
            return await super().deliver_buffered_messages(user_id, *args, **kwargs)  # type: ignore[misc]
        if frame.mode is Mode.ENFORCE:
            without_limit(queues, user_id)
        run = Delivery(user_id, queues.get(user_id, ()))
        args = (run.watched(args[0]), *args[1:]) if args else ()
        kwargs = kwargs if args else {name: run.watched(value) for name, value in kwargs.items()}
        with self._delivering(frame, run):
            return await super().deliver_buffered_messages(user_id, *args, **kwargs)  # type: ignore[misc]

    @contextmanager
    def _delivering(self, frame: Frame, run: Delivery) -> Iterator[None]:
        running = under_way.setdefault(id(self), [])
        running.append(run)
        raised: Exception | None = None
        try:
            yield
        except Exception as error:
            raised = error
            raise
        finally:
            running.remove(run)
            if not running:
                del under_way[id(self)]
            self._settle(frame, run, raised)

    def _settle(self, frame: Frame, run: Delivery, raised: Exception | None) -> None:
        held, keeps = self._held(run.user_id), frame.mode is Mode.ENFORCE
        back = []
        for entry in run.failed():
            cause = run.causes.get(id(entry), raised)
            if id(entry) in run.removed:
                frame.note(dropped(entry, "was given up after the last retry", Code.RETRIES_EXHAUSTED, cause=cause))
                continue
            if id(entry) in held and self.failloud_declining_waits and cause is None:
                continue
            what, stays = "could not be delivered and is gone from the buffer", keeps or id(entry) in held
            if stays:
                what = "could not be delivered and goes on waiting"
                back.append(entry)
            error = WebSocketSendFailureError
            frame.note(dropped(entry, what, Code.SEND_FAILED, error=error, cause=cause, kept=stays))
        if keeps:
            put_first(getattr(self, self.failloud_queues), run.user_id, back)
            return
        for entry in run.untried():
            if id(entry) not in held:
                frame.note(dropped(entry, "was evicted by one that came back", Code.EVENT_EVICTED, separate=True))

    def _held(self, user_id: str) -> set[int]:
        queue = getattr(self, self.failloud_queues).get(user_id, ())
        return ids(queue) | ids(getattr(self, "retry_queue", ()))

    async def _add_to_retry_queue(self, message: Any) -> Any:
        """Keep the message: the host's own way ends in an exception, for want of a name it looks up wrongly."""
        frame = frame_of(self)
        enforced = frame is not None and frame.mode is Mode.ENFORCE
        if not enforced or message.retry_count >= self.config.max_retry_attempts:
            return await super()._add_to_retry_queue(message)  # type: ignore[misc]
        message.retry_count += 1
        self.stats["retry_attempts"] += 1
        return None

    async def _process_retry_queue(self) -> Any:
        """See which messages a round loses; in enforce none, and a round that fails is not followed at once."""
        frame, queues = frame_of(self), getattr(self, self.failloud_queues)
        if frame is None:
            return await super()._process_retry_queue()  # type: ignore[misc]
        keeps, due = frame.mode is Mode.ENFORCE, list(self.retry_queue)  # type: ignore[attr-defined]
        users = {entry.user_id for entry in due}
        for user_id in users if keeps else ():
            without_limit(queues, user_id)
        before = [entry for user_id in users for entry in queues.get(user_id, ())]
        try:
            answer = await super()._process_retry_queue()  # type: ignore[misc]
        except Exception as error:
            await self._after_failed_round(frame, due, error)
            raise
        held = set[int]().union(*(self._held(user_id) for user_id in users))
        for entry in [*before, *due]:
            if id(entry) not in held:
                frame.note(dropped(entry, "was evicted by one that came back", Code.EVENT_EVICTED, separate=True))
        if keeps:
            self._tell_kept(frame, {id(entry) for entry in before})
        return answer

    def _tell_kept(self, frame: Frame, before: set[int]) -> None:
        """Tell of messages that the bare host would have evicted for those that came back."""
        limit = self.config.max_buffer_size_per_user
        for queue in getattr(self, self.failloud_queues).values():
            came = sum(id(entry) not in before for entry in queue) if before & ids(queue) else 0
            for entry in list(queue)[: max(0, min(came, len(queue) - limit))]:
                what = f"was about to be evicted by one that came back: kept, over the limit of {limit}"
                error = WebSocketBufferOverflowError
                frame.note(dropped(entry, what, Code.BUFFER_FULL, error=error, separate=True, kept=True))

    async def _after_failed_round(self, frame: Frame, due: list[Any], error: Exception) -> None:
        lost = [entry for entry in due if id(entry) not in self._held(entry.user_id)]
        if frame.mode is not Mode.ENFORCE:
            for entry in lost:
                frame.note(dropped(entry, "was lost by a retry that failed", Code.SEND_FAILED, cause=error))
            return
        self.retry_queue.extendleft(reversed(lost))  # type: ignore[attr-defined]
        await asyncio.sleep(RETRY_PAUSE_S)

    async def stop(self) -> Any:
        """Tell what is still waiting when the buffer stops."""
        answer = await super().stop()  # type: ignore[misc]
        frame = frame_of(self)
        if frame is not None:
            queues = getattr(self, self.failloud_queues)
            waiting = {id(entry): entry for queue in [*queues.values(), self.retry_queue] for entry in queue}  # type: ignore[attr-defined]
            for entry in waiting.values():
                frame.note(dropped(entry, "was waiting when the buffer was stopped", Code.EVENT_DROPPED))
        return answer
