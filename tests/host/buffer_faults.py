"""The ways Netra's message buffer loses a user's events: a table that the matrix is made of."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shim.hosts.netra import BUFFER

RAISED, ESCALATED, HOST_RAISES = "raised", "escalated", "host raises"
DROPPED, OVERFLOW, SEND = "WebSocketEventDroppedError", "WebSocketBufferOverflowError", "WebSocketSendFailureError"


@dataclass(frozen=True)
class Fault:
    """One way to lose messages. `observed` and `enforced` are the codes of the records in each mode; `kept` the
    messages, by number, that the buffer holds in the end (the bare host's, and enforce's).
    """

    name: str
    play: Callable[[Any], Any]
    error: str
    observed: tuple[str, ...]
    enforced: tuple[str, ...]
    kept: tuple[list[int], list[int]]
    ends: str = ESCALATED
    cause: str = ""
    bare_raises: str = ""


FAULTS: list[Fault] = []


def fault(error: str, codes: str, kept: tuple[list[int], list[int]], **more: Any) -> Callable[[Any], Any]:
    """Put a scenario in the table; `codes` reads `observed` or `observed -> enforced`."""

    def keep(play: Any) -> Any:
        observed, _, enforced = codes.partition(" -> ")
        both = tuple(tuple(part.split()) for part in (observed, enforced or observed))
        FAULTS.append(Fault(play.__name__.replace("_", " ").strip(), play, error, both[0], both[1], kept, **more))
        return play

    return keep


def module() -> Any:
    return importlib.import_module(BUFFER.partition(":")[0])


def message(number: int, kind: str = "note") -> dict[str, Any]:
    return {"type": kind, "n": number, "run_id": "run_1"}


def make(**limits: Any) -> Any:
    return module().WebSocketMessageBuffer(module().BufferConfig(**limits))


async def filled(buffer: Any, *numbers: int, kind: str = "note", user: str = "ada", priority: str = "NORMAL") -> Any:
    """Buffer some messages without a fault."""
    for number in numbers:
        made = message(number, kind)
        assert await buffer.buffer_message(user, made, module().BufferPriority[priority])
    return buffer


def held(buffer: Any) -> list[int]:
    """Give the numbers of the messages the buffer holds, in order, user by user, then those that wait for a retry."""
    queues = [*buffer.user_buffers.values(), buffer.retry_queue]
    found: dict[int, int] = {id(e): e.message["n"] for queue in queues for e in queue if isinstance(e.message, dict)}
    return list(found.values())


@fault(OVERFLOW, "message_too_large", ([], []), ends=RAISED)
async def a_message_above_the_limit(w: Any) -> Any:
    w.buffer = make(max_message_size_bytes=40)
    return await w.buffer.buffer_message("ada", message(1) | {"text": "x" * 100})


@fault(OVERFLOW, "buffer_full", ([1], [1]), ends=RAISED)
async def the_buffer_is_full_for_all(w: Any) -> Any:
    w.buffer = await filled(make(max_buffer_size_global=1), 1)
    return await w.buffer.buffer_message("ben", message(2, "agent_started"))


@fault(OVERFLOW, "buffer_full event_evicted -> buffer_full", ([1, 3], [1, 2, 3]), ends=RAISED)
async def a_low_message_is_evicted_and_the_new_one_rejected(w: Any) -> Any:
    w.buffer = await filled(make(max_buffer_size_global=3), 1)
    await filled(w.buffer, 2, priority="LOW")
    await filled(w.buffer, 3)
    return await w.buffer.buffer_message("ben", message(4))


@fault(OVERFLOW, "buffer_full", ([1], [1]), ends=RAISED)
async def the_user_s_buffer_is_full_and_drops_the_newest(w: Any) -> Any:
    w.buffer = await filled(make(max_buffer_size_per_user=1, overflow_strategy="drop_newest"), 1)
    return await w.buffer.buffer_message("ada", message(2))


@fault(OVERFLOW, "buffer_overflow", ([1], [1]), ends=RAISED, cause="AttributeError")
async def a_critical_text_meets_a_full_buffer(w: Any) -> Any:
    w.buffer = await filled(make(max_buffer_size_per_user=1), 1)
    return await w.buffer.buffer_message("ada", "text", module().BufferPriority.CRITICAL)


@fault(OVERFLOW, "buffer_overflow", ([], []), ends=RAISED, cause="TypeError: unhashable type: 'list'")
async def a_user_id_no_table_takes(w: Any) -> Any:
    w.buffer = make()
    return await w.buffer.buffer_message(["ada"], message(1))


@fault(DROPPED, "event_evicted", ([2, 3], [2, 3]))
async def the_oldest_is_evicted(w: Any) -> Any:
    w.buffer = await filled(make(max_buffer_size_per_user=2, overflow_strategy="drop_oldest"), 1, 2)
    return await w.buffer.buffer_message("ada", message(3))


@fault(DROPPED, "event_evicted", ([1, 3], [1, 3]))
async def the_lowest_is_evicted(w: Any) -> Any:
    w.buffer = await filled(make(max_buffer_size_per_user=2), 1)
    await filled(w.buffer, 2, priority="LOW")
    return await w.buffer.buffer_message("ada", message(3))


@fault(DROPPED, "event_evicted", ([2, 3], [2, 3]))
async def one_that_is_not_critical_is_evicted_for_one_that_is(w: Any) -> Any:
    w.buffer = await filled(make(max_buffer_size_per_user=2), 1)
    await filled(w.buffer, 2, kind="agent_started")
    return await w.buffer.buffer_message("ada", message(3, "agent_thinking"))


@fault(DROPPED, "event_evicted", ([2, 3], [2, 3]))
async def a_strategy_nobody_knows_evicts(w: Any) -> Any:
    w.buffer = await filled(make(max_buffer_size_per_user=2, overflow_strategy="drop_nothing"), 1, 2)
    return await w.buffer.buffer_message("ada", message(3))


@fault(DROPPED, "event_evicted -> buffer_full", ([2, 3], [1, 2, 3]))
async def a_critical_one_is_evicted_against_the_promise(w: Any) -> Any:
    w.buffer = await filled(make(max_buffer_size_per_user=2), 1, 2, kind="agent_started")
    return await w.buffer.buffer_message("ada", message(3, "agent_completed"))


@fault(DROPPED, "event_evicted -> buffer_full", ([2, 3], [1, 2, 3]))
async def the_oldest_critical_one_is_evicted_by_one_that_is_not(w: Any) -> Any:
    buffer = make(max_buffer_size_per_user=2, overflow_strategy="drop_oldest")
    w.buffer = await filled(buffer, 1, 2, kind="agent_started")
    return await w.buffer.buffer_message("ada", message(3))


async def declines(_message: Any) -> bool:
    return False


async def raises(_message: Any) -> bool:
    raise OSError("gone")


async def takes(_message: Any) -> bool:
    return True


@fault(SEND, "send_failed -> send_failed send_failed", ([2], [1, 2]), bare_raises="AttributeError")
async def a_delivery_is_declined(w: Any) -> Any:
    w.buffer = await filled(make(), 1, 2)
    return await w.buffer.deliver_buffered_messages("ada", declines)


@fault(
    SEND, "send_failed -> send_failed send_failed", ([2], [1, 2]), cause="OSError: gone", bare_raises="AttributeError"
)
async def a_delivery_raises(w: Any) -> Any:
    w.buffer = await filled(make(), 1, 2)
    return await w.buffer.deliver_buffered_messages("ada", raises)


@fault(SEND, "send_failed", ([2, 3], [1]), cause="OSError: gone", bare_raises="AttributeError")
async def the_first_of_three_deliveries_fails(w: Any) -> Any:
    async def one_bad(each: Any) -> bool:
        return await (raises if each["n"] == 1 else takes)(each)

    w.buffer = await filled(make(), 1, 2, 3)
    return await w.buffer.deliver_buffered_messages("ada", one_bad)


@fault(DROPPED, "retries_exhausted", ([2], [2]), cause="OSError: gone")
async def the_retries_are_used_up(w: Any) -> Any:
    async def one_bad(each: Any) -> bool:
        return await (raises if each["n"] == 1 else takes)(each)

    w.buffer = await filled(make(), 1)
    w.buffer.user_buffers["ada"][0].retry_count = 4
    answer = await w.buffer.deliver_buffered_messages("ada", one_bad)
    await filled(w.buffer, 2)
    return answer


def due(buffer: Any, number: int, when: Any = None) -> Any:
    """Make a message whose retry is due."""
    made = module().BufferedMessage(id=f"due_{number}", user_id="ada", message=message(number), retry_count=1)
    made.next_retry_time = when or module().datetime(2020, 1, 1)  # as the host keeps it
    buffer.message_count += 1
    return made


@fault(DROPPED, "event_evicted -> buffer_full", ([2, 9], [1, 2, 9]))
async def a_retry_evicts_from_a_full_buffer(w: Any) -> Any:
    w.buffer = await filled(make(max_buffer_size_per_user=2), 1, 2)
    w.buffer.retry_queue.append(due(w.buffer, 9))
    return await w.buffer._process_retry_queue()


@fault(
    DROPPED,
    "send_failed send_failed -> event_dropped",
    ([], [8, 9]),
    cause="TypeError",
    bare_raises="TypeError",
    ends=HOST_RAISES,
)
async def a_round_of_retries_raises(w: Any) -> Any:
    w.buffer = make()
    w.buffer.retry_queue.extend([due(w.buffer, 8), due(w.buffer, 9, when="tomorrow")])
    return await w.buffer._process_retry_queue()


@fault(DROPPED, "event_dropped event_dropped", ([3], [3]))
async def a_buffer_is_cleared(w: Any) -> Any:
    w.buffer = await filled(make(), 1, 2)
    await filled(w.buffer, 3, user="ben")
    return await w.buffer.clear_user_buffer("ada")


@fault(DROPPED, "event_dropped event_dropped", ([1, 2], [1, 2]))
async def a_buffer_is_stopped_while_messages_wait(w: Any) -> Any:
    w.buffer = await filled(make(), 1, 2)
    await w.buffer.start()
    return await w.buffer.stop()
