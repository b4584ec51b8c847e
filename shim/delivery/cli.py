"""`failloud missed`: what is kept for whom, deliver it again, take it out. Works beside a server that runs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click

from shim.console import USAGE, Refused, print_json
from shim.decisions import STORE
from shim.delivery.events import Position, StoredEvent, Stream
from shim.delivery.place import store_path
from shim.delivery.sqlite import SqliteStore
from shim.delivery.store import StoreError
from shim.ledger import Sums

__all__ = ["missed"]

UNREACHABLE = 6
"Exit code where the store cannot be opened or read, in the rollout commands' words."

_STORE = click.option(
    "--store",
    "file",
    type=click.Path(path_type=Path),
    help=f"The store's file; default ${STORE}.",
)
_USER = click.option("--user", required=True, help="The user's id.")
_ANY_USER = click.option("--user", help="Only this user's.")
_THREAD = click.option("--thread", help="Only this thread's.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
_WRITE = click.option("--write", "do_write", is_flag=True, help="Do it; without it is only said what would be done.")


@click.group()
def missed() -> None:
    """Show events that could not be delivered, deliver them again, or take them out."""


@missed.command(name="list")
@_STORE
@_ANY_USER
@_JSON
def list_(file: Path | None, user: str | None, *, as_json: bool) -> int:
    """List the threads that have something kept, those that wait longest first, and the sums of all."""
    with _opened(file) as store:
        streams, sums, size = store.streams(user_id=user), store.sums(), store.size()
        oldest = {one.stream: one.oldest for one in store.waiting(None if user is None else {user})}
        dead = store.dead(user_id=user)
    streams.sort(key=lambda row: oldest.get(row[0], float("inf")))
    if as_json:
        rows = [_stream_row(*row, oldest.get(row[0])) for row in streams]
        print_json(
            {
                "schema": 1,
                "streams": rows,
                "sums": sums.to_dict(),
                "bytes": size,
                "overflow": [d.to_dict() for d in dead],
            }
        )
        return 0
    now = time.time()
    for stream, _, each in streams:
        waits = f"{each.pending} waiting for {_age(now - oldest[stream])}" if stream in oldest else "nothing waiting"
        click.echo(
            f"{stream.user_id}  {stream.thread_id or '-'}  {waits}, {each.sent_unconfirmed} sent, {each.acked} acked"
        )
    for gone in dead:
        click.echo(f"overflow: {gone.stream.user_id or 'nobody'}  {gone.type}  {gone.reason}, {gone.size} bytes")
    told = ", ".join(f"{name} {count}" for name, count in sums.to_dict().items() if name != "cancelled")
    click.echo(f"{told}; {size} bytes")
    return 0


@missed.command()
@_STORE
@_USER
@_THREAD
@click.option("--after", default=0, show_default=True, help="Only events beyond this place.")
@click.option("--limit", default=100, show_default=True, help="At most so many of a thread.")
@_JSON
def show(file: Path | None, user: str, thread: str | None, after: int, limit: int, *, as_json: bool) -> int:
    """Show a user's events with their bodies, which may be private; and his rows of the overflow table."""
    with _opened(file) as store:
        found = [
            each for stream in _streams(store, user, thread) for each in store.events(stream, after=after, limit=limit)
        ]
        dead = [(one, store.body(user, one.event_id)) for one in store.dead(user_id=user, limit=limit)]
    if as_json:
        rows = [_event_row(each) for each in found]
        overflow = [{**one.to_dict(), "body": None if body is None else body.decode()} for one, body in dead]
        print_json({"schema": 1, "events": rows, "overflow": overflow})
        return 0
    for each in found:
        event = each.event
        state = f"{each.state}, sent {each.sends}x"
        click.echo(f"{event.stream.thread_id or '-'}  {each.seq}  {event.type}  {state}  {event.event_id}")
        click.echo(f"    {event.body.decode()}")
    for one, body in dead:
        click.echo(
            f"{one.stream.thread_id or '-'}  overflow  {one.type}  {one.reason}, {one.size} bytes  {one.event_id}"
        )
        click.echo(f"    {'(no body was kept)' if body is None else body.decode()}")
    if not found and not dead:
        click.echo("nothing is kept")
    return 0


@missed.command()
@_STORE
@_USER
@_THREAD
@click.option("--after", default=0, show_default=True, help="Only events beyond this place.")
@_WRITE
def replay(file: Path | None, user: str, thread: str | None, after: int, *, do_write: bool) -> int:
    """Have what was sent, and what no client has confirmed, delivered once more: by the server, within a second."""
    with _opened(file) as store:
        for stream in _streams(store, user, thread):
            count = next(sums.sent_unconfirmed for each, _, sums in store.streams(user_id=user) if each == stream)
            if do_write:
                count = store.replay(stream, after=after).result()
            click.echo(f"{stream.thread_id or '-'}: {count} {'will be' if do_write else 'could be'} delivered again")
    _dry(do_write=do_write)
    return 0


@missed.command()
@_STORE
@_USER
@_THREAD
@_WRITE
def purge(file: Path | None, user: str, thread: str | None, *, do_write: bool) -> int:
    """Take a user's undelivered events out. They stay in the overflow table, and are counted as rejected."""
    with _opened(file) as store:
        for stream in _streams(store, user, thread):
            count = next(sums.pending for each, _, sums in store.streams(user_id=user) if each == stream)
            if do_write:
                count = store.purge(stream).result()
            click.echo(f"{stream.thread_id or '-'}: {count} {'taken out' if do_write else 'would be taken out'}")
    _dry(do_write=do_write)
    return 0


def _dry(*, do_write: bool) -> None:
    if not do_write:
        click.echo("nothing was changed; next: the same with --write")


@contextmanager
def _opened(file: Path | None) -> Iterator[SqliteStore]:
    try:
        place = store_path(file)
        if not place.is_file():
            raise Refused(f"there is no store at {place}; next: name its file with --store", UNREACHABLE)
        store = SqliteStore(place)
        try:
            yield store
        finally:
            store.close()
    except StoreError as error:
        raise Refused(str(error), UNREACHABLE) from error


def _streams(store: SqliteStore, user: str, thread: str | None) -> list[Stream]:
    found = [stream for stream, _, _ in store.streams(user_id=user) if thread in (None, stream.thread_id)]
    if not found and thread is not None:
        known = ", ".join(stream.thread_id for stream, _, _ in store.streams(user_id=user)) or "none"
        raise Refused(f"nothing is kept for user {user!r} in thread {thread!r}; his threads: {known}", USAGE)
    return found


def _stream_row(stream: Stream, position: Position, sums: Sums, oldest: float | None) -> dict[str, object]:
    return {
        "user_id": stream.user_id, "thread_id": stream.thread_id, "oldest": oldest, **asdict(position),
        "sums": sums.to_dict(),
    }  # fmt: skip


def _event_row(each: StoredEvent) -> dict[str, object]:
    event = each.event
    return {
        "thread_id": event.stream.thread_id, "seq": each.seq, "event_id": event.event_id, "type": event.type,
        "run_id": event.run_id, "priority": event.priority.name.lower(), "state": each.state, "sends": each.sends,
        "created": event.created, "component": event.component, "method": event.method, "code": event.code,
        "body": json.loads(event.body),
    }  # fmt: skip


def _age(seconds: float) -> str:
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {name}"
    return f"{max(0.0, seconds):.0f} s"
