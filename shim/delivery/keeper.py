"""Keep what enforce has recorded as undelivered: the event for later, and a notice for its user."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future
from hashlib import blake2b

from shim.contracts import Delivery, Host
from shim.delivery.events import Accepted, Dead, NewEvent, Priority, Stream
from shim.delivery.notices import notice, notice_id
from shim.delivery.pump import Pump
from shim.delivery.store import Store, TooLargeError
from shim.delivery.wording import body_of
from shim.errors import UNKNOWN
from shim.guard import own_failure
from shim.recipients import Recipient, recipient
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
        self.counts: Tally[str] = Tally()
        "kept, duplicate, refused, no_recipient, not_an_event."

    def keep(self, missed: Undelivered) -> None:
        """Keep one; what fails here is reported, and never reaches the host."""
        record = missed.record
        whose = recipient(record.run_id, record.thread_id, record.user_id)
        stream = Stream(_known(whose.user_id), _known(whose.thread_id))
        if missed.tried:
            self._pump.trouble.suspect(stream, self._pump.trouble.open_since(stream.user_id, missed.began))
        if not self._is_event(missed):
            self.counts.add("not_an_event")
            if stream.user_id:
                self.tell(record, stream, kept=True)
            return
        event = self._event(missed, whose, stream)
        if not stream.user_id:
            self.counts.add("no_recipient")
            self._store.bury(event, "no_recipient").add_done_callback(_reported)
            return
        self._store.append(event).add_done_callback(lambda done: self._kept(done, event, record))

    def _is_event(self, missed: Undelivered) -> bool:
        rows = [self._rows.get(event.contract) for event in missed.events]
        return missed.message is not None or any(row is not None and row.for_user for row in rows)

    def _event(self, missed: Undelivered, whose: Recipient, stream: Stream) -> NewEvent:
        record, body = missed.record, body_of(missed, whose, self._declared)
        return NewEvent(
            event_id=_event_id(missed, body), stream=stream, run_id=_known(record.run_id), type=record.event_type,
            priority=_priority(record.event_type, self._host, self._declared), body=body, created=record.at,
            component=record.component, method=record.method, code=record.code,
        )  # fmt: skip

    def _kept(self, done: Future[Accepted], event: NewEvent, record: FailureRecord) -> None:
        stream, failed = event.stream, done.exception()
        if failed is None:
            accepted = done.result()
            self.counts.add("duplicate" if accepted.duplicate else "kept")
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
