"""Keep what enforce has recorded as undelivered: the event for later, and a notice for its user."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from concurrent.futures import Future
from hashlib import blake2b

from shim.contracts import Delivery, Host
from shim.counting import follow
from shim.delivery.events import Accepted, Dead, NewEvent, Priority, Stream
from shim.delivery.notices import notice, notice_id
from shim.delivery.pump import Pump
from shim.delivery.store import Store, TooLargeError
from shim.delivery.unaddressed import Unaddressed, Worded, stream_of
from shim.delivery.wording import body_of
from shim.errors import UNKNOWN
from shim.guard import own_failure
from shim.ledger import Fate
from shim.recipients import Recipient, learn, recipient
from shim.recorder import FailureRecord
from shim.tally import Tally
from shim.undelivered import Undelivered

__all__ = ["Keeper"]


class Keeper:
    """Takes failures in the thread that failed, and only asks the store's writer: it waits for nothing.

    `pump` is woken for what is kept, and sends at once what the store cannot keep; `lost` is told of what made room.
    """

    def __init__(
        self,
        host: Host,
        store: Store,
        *,
        pump: Pump,
        lost: Callable[[Dead], None],
        href: Callable[[str], str],
    ) -> None:
        assert host.delivery is not None  # noqa: S101  # the service has looked
        self._host, self._declared, self._store = host, host.delivery, store
        self._pump, self._lost, self._href = pump, lost, href
        self._rows = {row.key: row for row in host.contracts}
        self._unaddressed = Unaddressed()
        self.counts: Tally[str] = Tally()
        "kept, duplicate, refused, no_recipient, not_an_event."

    def keep(self, missed: Undelivered) -> None:
        """Keep one; what fails here is reported, and never reaches the host."""
        record = missed.record
        learn(record.run_id, record.thread_id, None)  # a later failure of the run may not know its thread
        whose = recipient(record.run_id, record.thread_id, record.user_id)
        one = self._worded(missed, whose)
        if self._unaddressed:
            self.release(time.monotonic())  # of the same run perhaps: they come first
        if one.event.stream.user_id:
            self._keep(one)
        else:
            self._unaddressed.add(one, time.monotonic())

    def release(self, now: float, *, last: bool = False) -> None:
        """Keep what could not be addressed until now; give up what was held too long, or all where it is the `last`."""
        found, spent = self._unaddressed.take(math.inf if last else now)
        for one in found:
            self._keep(one)
        for one in spent:
            if one.is_event:
                self.counts.add("no_recipient")
                self._store.bury(one.event, "no_recipient").add_done_callback(_reported)

    def _keep(self, one: Worded) -> None:
        stream, record = one.event.stream, one.record
        if one.tried:
            self._pump.trouble.suspect(stream, self._pump.trouble.open_since(stream.user_id, one.began))
        if one.is_event:
            self._store.append(one.event).add_done_callback(lambda done: self._kept(done, one.event, record))
        else:
            self.counts.add("not_an_event")
            self.tell(record, stream, kept=True)

    def _worded(self, missed: Undelivered, whose: Recipient) -> Worded:
        record, body = missed.record, body_of(missed, whose, self._declared)
        rows = [self._rows.get(event.contract) for event in missed.events]
        is_event = missed.message is not None or any(row is not None and row.for_user for row in rows)
        event = NewEvent(
            event_id=_event_id(missed, body), stream=stream_of(whose), run_id=_known(record.run_id),
            type=record.event_type, priority=_priority(record.event_type, self._host, self._declared), body=body,
            created=record.at, component=record.component, method=record.method, code=record.code,
        )  # fmt: skip
        return Worded(event=event, record=record, is_event=is_event, tried=missed.tried, began=missed.began)

    def _kept(self, done: Future[Accepted], event: NewEvent, record: FailureRecord) -> None:
        stream, failed = event.stream, done.exception()
        if failed is None:
            accepted = done.result()
            self.counts.add("duplicate" if accepted.duplicate else "kept")
            if not accepted.duplicate:
                follow(record.run_id, event.type, Fate.REJECTED, Fate.PENDING)
            if accepted.displaced is not None:
                self._lost(accepted.displaced)
            long = len(event.body) > self._store.limits.inline_bytes
            self.tell(record, stream, kept=True, href=self._href(event.event_id) if long else "")
            self._pump.wake()
            return
        self.counts.add("refused")
        if not isinstance(failed, TooLargeError):
            own_failure("delivery.store", failed)
        self.tell(record, stream, kept=False)

    def tell(self, record: FailureRecord, stream: Stream, *, kept: bool, href: str = "") -> None:
        """Give the user a notice through the store, like any event; directly where the store does not take it."""
        message = notice(record, stream.thread_id, kept=kept, href=href)
        event = NewEvent(
            event_id=notice_id(record), stream=stream, run_id=_known(record.run_id), type="error",
            priority=Priority.CRITICAL, body=json.dumps(message).encode(), created=record.at,
            component=record.component, method=record.method, code=record.code,
        )  # fmt: skip

        def told(done: Future[Accepted]) -> None:
            if (failed := done.exception()) is None:
                self._pump.wake()
                return
            own_failure("delivery.notice", failed)
            self._pump.direct(stream, message | {"durable": False})

        self._store.append(event).add_done_callback(told)


def _reported(done: Future[Dead]) -> None:
    if (failed := done.exception()) is not None:
        own_failure("delivery.store", failed)


def _known(name: str) -> str:
    return "" if name == UNKNOWN else name


def _event_id(missed: Undelivered, body: bytes) -> str:
    """Give an id that is the same when the host sends the same message again, and never the same for two events.

    A message that the host has worded has its time in it: equal bytes are one event. Without a time two equal ones
    may be two events, and are.
    """
    record = missed.record
    if missed.message is not None and b'"timestamp"' in body:
        return blake2b(body, digest_size=12).hexdigest()
    return f"{record.id}-{int(record.at * 1e6):x}"


def _priority(event_type: str, host: Host, declared: Delivery) -> Priority:
    if event_type in host.terminal:
        return Priority.TERMINAL
    return Priority.CRITICAL if event_type in declared.critical or event_type == "error" else Priority.NORMAL
