"""Small programs in which a contracted call fails, and what becomes of the failure: data, for more than one oracle.

Each program is a module with `main(channel)`, plain or async. The call is `channel.send_now` or `channel.send` of the
courier host, in enforce; every send fails unless `answers` says otherwise. What leaves `main` has reached the start-up
of the process, which is a boundary. A line marked `# stops` is where a failure is swallowed; a program that swallows
without such a line is one where run time cannot tell the place.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent

__all__ = ["PROGRAMS", "Program"]

PREAMBLE = """\
import asyncio
import concurrent.futures
import contextlib
import logging
import threading

from courier.channel import Channel
from courier.loud import LoudFailure, WebSocketSendFailureError, boundary, escalate, handled, spawn

log = logging.getLogger(__name__)
kept = []


class HostError(Exception):
    pass


"""


@dataclass(frozen=True, kw_only=True)
class Program:
    """One module and the number of failures that meet each fate in it."""

    name: str
    body: str
    swallowed: int = 0
    seen: int = 0
    handled: int = 0
    held: int = 0
    escalated: int = 0
    "Never raised, so they meet no fate; `flow` says that they are heard."
    answers: tuple[bool, ...] = (False,)

    @property
    def source(self):
        """Give the text of the module."""
        return PREAMBLE + dedent(self.body).lstrip()

    @property
    def stops(self):
        """Give the lines on which a failure is swallowed, where the program itself does it."""
        return self._marked("# stops")

    @property
    def ends(self):
        """Give the lines on which the text says that a failure ends, those too that run time cannot tell."""
        return self._marked(("# stops", "# ends"))

    def _marked(self, mark):
        return [number for number, line in enumerate(self.source.splitlines(), 1) if line.endswith(mark)]


PROGRAMS = (
    # --- handlers that stop it
    Program(
        name="broad_handler_logs",
        swallowed=1,
        body="""
        def main(channel: Channel) -> None:
            try:
                channel.send_now("r1", "ping")
            except Exception as error:  # stops
                log.debug("not sent: %s", error)
        """,
    ),
    Program(
        name="broad_handler_returns_false",
        swallowed=1,
        body="""
        def main(channel: Channel) -> bool:
            try:
                return bool(channel.send_now("r1", "ping"))
            except Exception:  # stops
                return False
        """,
    ),
    Program(
        name="bare_except",
        swallowed=1,
        body="""
        def main(channel: Channel) -> None:
            try:
                channel.send_now("r1", "ping")
            except:  # stops
                pass
        """,
    ),
    Program(
        name="base_exception",
        swallowed=1,
        body="""
        def main(channel: Channel) -> None:
            try:
                channel.send_now("r1", "ping")
            except BaseException:  # stops
                pass
        """,
    ),
    Program(
        name="loud_failure_by_name",
        swallowed=1,
        body="""
        def main(channel: Channel) -> None:
            try:
                channel.send_now("r1", "ping")
            except ValueError:
                raise
            except LoudFailure:  # stops
                pass
        """,
    ),
    Program(
        name="its_class_in_a_tuple",
        swallowed=1,
        body="""
        def main(channel: Channel) -> None:
            try:
                channel.send_now("r1", "ping")
            except (OSError, WebSocketSendFailureError):  # stops
                pass
        """,
    ),
    Program(
        name="async_handler",
        swallowed=1,
        body="""
        async def main(channel: Channel) -> None:
            try:
                await channel.send("r1", "ping")
            except Exception:  # stops
                await asyncio.sleep(0)
        """,
    ),
    Program(
        name="handler_one_frame_up",
        swallowed=1,
        body="""
        def publish(channel: Channel) -> None:
            channel.send_now("r1", "ping")


        def main(channel: Channel) -> None:
            try:
                publish(channel)
            except Exception:  # stops
                log.warning("not published")
        """,
    ),
    Program(
        name="logged_with_traceback",
        swallowed=1,
        body="""
        def main(channel: Channel) -> None:
            try:
                channel.send_now("r1", "ping")
            except Exception:  # stops
                log.exception("not sent")
        """,
    ),
    Program(
        name="kept_as_text",
        swallowed=1,
        body="""
        def main(channel: Channel) -> None:
            try:
                channel.send_now("r1", "ping")
            except Exception as error:  # stops
                kept.append(str(error))
        """,
    ),
    Program(
        name="kept_in_a_local_variable",
        swallowed=1,
        body="""
        def main(channel: Channel) -> bool:
            failed = None
            try:
                channel.send_now("r1", "ping")
            except Exception as error:  # stops
                failed = error
            return failed is None
        """,
    ),
    Program(
        name="suppress",
        swallowed=1,
        body="""
        def main(channel: Channel) -> None:
            with contextlib.suppress(Exception):  # stops
                channel.send_now("r1", "ping")
        """,
    ),
    Program(
        name="finally_returns",
        swallowed=1,
        body="""
        def main(channel: Channel) -> None:
            try:
                channel.send_now("r1", "ping")
            finally:
                return  # stops
        """,
    ),
    Program(
        name="finally_continues",
        swallowed=2,
        body="""
        def main(channel: Channel) -> None:
            for event in ("ping", "pong"):
                try:
                    channel.send_now("r1", event)
                finally:
                    continue  # stops
        """,
    ),
    Program(
        name="inner_handler_raises_outer_stops",
        swallowed=1,
        body="""
        def main(channel: Channel) -> None:
            try:
                try:
                    channel.send_now("r1", "ping")
                except Exception:
                    log.warning("on its way")
                    raise
            except Exception:  # stops
                pass
        """,
    ),
    Program(
        name="inner_handler_may_raise",
        swallowed=1,
        body="""
        def main(channel: Channel) -> None:
            try:
                try:
                    channel.send_now("r1", "ping")
                except Exception as error:
                    if "teapot" in str(error):
                        raise
            except Exception:
                pass
        """,
    ),
    Program(
        name="from_an_else_clause",
        swallowed=1,
        body="""
        def main(channel: Channel) -> None:
            try:
                try:
                    log.debug("nothing happens")
                except Exception:
                    log.debug("not this one")
                else:
                    channel.send_now("r1", "ping")
            except Exception:  # stops
                pass
        """,
    ),
    Program(
        name="from_a_handler_of_something_else",
        # nothing is raised in the middle of handling an exception, it is escalated: there is nothing to swallow
        body="""
        def main(channel: Channel) -> None:
            try:
                try:
                    raise HostError("first")
                except HostError:
                    channel.send_now("r1", "ping")
            except Exception:
                pass
        """,
    ),
    Program(
        name="a_nested_function_is_another_scope",
        swallowed=1,
        body="""
        def main(channel: Channel) -> None:
            def inner() -> None:
                try:
                    log.debug("nothing happens")
                except Exception:
                    pass
                channel.send_now("r1", "ping")

            try:
                inner()
            except Exception:  # stops
                pass
        """,
    ),
    Program(
        name="thread_with_a_handler",
        swallowed=1,
        body="""
        def work(channel: Channel) -> None:
            try:
                channel.send_now("r1", "ping")
            except Exception:  # stops
                pass


        def main(channel: Channel) -> None:
            thread = threading.Thread(target=work, args=(channel,))
            thread.start()
            thread.join()
        """,
    ),
    Program(
        name="out_of_a_generator",
        swallowed=1,
        body="""
        def sends(channel: Channel):
            yield "begun"
            channel.send_now("r1", "ping")


        def main(channel: Channel) -> None:
            try:
                list(sends(channel))
            except Exception:  # stops
                pass
        """,
    ),
    Program(
        name="handler_inside_a_boundary",
        swallowed=1,
        body="""
        @boundary("route")
        def main(channel: Channel) -> None:
            try:
                channel.send_now("r1", "ping")
            except Exception:  # stops
                pass
        """,
    ),
    Program(
        name="except_star_of_a_single_failure",
        swallowed=1,
        body="""
        def main(channel: Channel) -> None:
            try:
                channel.send_now("r1", "ping")
            except* LoudFailure:  # stops
                pass
        """,
    ),
    Program(
        name="retry_undeclared",
        swallowed=2,
        answers=(False, False, True),
        body="""
        def main(channel: Channel) -> None:
            for _ in range(3):
                try:
                    channel.send_now("r1", "ping")
                except LoudFailure:  # stops
                    continue
                break
        """,
    ),
    Program(
        name="done_callback_that_is_no_boundary",
        swallowed=1,
        body="""
        def ended(task: asyncio.Task) -> None:
            log.debug("ended: %s", task.exception())


        async def main(channel: Channel) -> None:
            task = asyncio.create_task(channel.send("r1", "ping"))
            task.add_done_callback(ended)
            await asyncio.wait([task])
        """,
    ),
    # --- swallowed where run time cannot tell by what
    Program(
        name="own_context_manager",
        swallowed=1,
        body="""
        class Quiet:
            def __enter__(self) -> None:
                pass

            def __exit__(self, *about: object) -> bool:
                return True


        def main(channel: Channel) -> None:
            with Quiet():
                channel.send_now("r1", "ping")
        """,
    ),
    Program(
        name="exit_stack",
        swallowed=1,
        body="""
        def main(channel: Channel) -> None:
            with contextlib.ExitStack() as stack:
                stack.enter_context(contextlib.suppress(Exception))
                channel.send_now("r1", "ping")
        """,
    ),
    Program(
        name="wrapped_then_stopped",
        swallowed=1,
        body="""
        def publish(channel: Channel) -> None:
            try:
                channel.send_now("r1", "ping")
            except LoudFailure as error:
                raise HostError("no luck") from error


        def main(channel: Channel) -> None:
            try:
                publish(channel)
            except HostError:
                pass
        """,
    ),
    Program(
        name="replaced_then_stopped",
        swallowed=1,
        body="""
        def main(channel: Channel) -> None:
            try:
                try:
                    channel.send_now("r1", "ping")
                except LoudFailure:
                    raise HostError("no luck")
            except HostError:
                pass
        """,
    ),
    Program(
        name="gathered_and_dropped",
        swallowed=2,
        body="""
        async def main(channel: Channel) -> None:
            await asyncio.gather(channel.send("r1", "ping"), channel.send("r1", "pong"), return_exceptions=True)
        """,
    ),
    Program(
        name="task_nobody_awaits",
        swallowed=1,
        body="""
        async def main(channel: Channel) -> None:
            task = asyncio.create_task(channel.send("r1", "ping"))
            await asyncio.wait([task])
        """,
    ),
    Program(
        name="group_stopped_by_except_star",
        swallowed=2,
        body="""
        async def both(channel: Channel) -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(channel.send("r1", "ping"))
                group.create_task(channel.send("r1", "pong"))


        async def main(channel: Channel) -> None:
            try:
                await both(channel)
            except* LoudFailure:
                pass
        """,
    ),
    Program(
        name="executor_future_dropped",
        swallowed=1,
        body="""
        def main(channel: Channel) -> None:
            with concurrent.futures.ThreadPoolExecutor() as pool:
                pool.submit(channel.send_now, "r1", "ping")
        """,
    ),
    Program(
        name="loop_callback",
        swallowed=1,
        body="""
        async def main(channel: Channel) -> None:
            asyncio.get_running_loop().call_soon(channel.send_now, "r1", "ping")
            await asyncio.sleep(0)
        """,
    ),
    # --- seen
    Program(
        name="success", answers=(True,), body='def main(channel: Channel) -> None:\n    channel.send_now("r1", "x")'
    ),
    Program(
        name="start_up",
        seen=1,
        body="""
        def main(channel: Channel) -> None:
            channel.send_now("r1", "ping")
        """,
    ),
    Program(
        name="boundary_around_a_block",
        seen=1,
        body="""
        def main(channel: Channel) -> None:
            try:
                with boundary("route"):
                    channel.send_now("r1", "ping")
            except LoudFailure:
                pass
        """,
    ),
    Program(
        name="boundary_above_a_function",
        seen=1,
        body="""
        @boundary()
        def route(channel: Channel) -> None:
            channel.send_now("r1", "ping")


        def main(channel: Channel) -> None:
            with contextlib.suppress(LoudFailure):
                route(channel)
        """,
    ),
    Program(
        name="async_boundary",
        seen=2,
        body="""
        @boundary("socket")
        async def socket(channel: Channel) -> None:
            await channel.send("r1", "ping")


        async def main(channel: Channel) -> None:
            with contextlib.suppress(LoudFailure):
                await socket(channel)
            with contextlib.suppress(LoudFailure):
                async with boundary("block"):
                    await channel.send("r1", "pong")
        """,
    ),
    Program(
        name="boundary_above_generators",
        seen=2,
        body="""
        @boundary("stream")
        async def stream(channel: Channel):
            yield "begun"
            await channel.send("r1", "ping")


        @boundary("plain stream")
        def plain(channel: Channel):
            yield "begun"
            channel.send_now("r1", "ping")


        async def main(channel: Channel) -> None:
            with contextlib.suppress(LoudFailure):
                async for _ in stream(channel):
                    pass
            with contextlib.suppress(LoudFailure):
                list(plain(channel))
        """,
    ),
    Program(
        name="boundaries_nest",
        seen=1,
        body="""
        @boundary("outer")
        @boundary("inner")
        def main(channel: Channel) -> None:
            with boundary("block"):
                channel.send_now("r1", "ping")
        """,
    ),
    Program(
        name="raised_again_three_times",
        seen=1,
        body="""
        def one(channel: Channel) -> None:
            try:
                channel.send_now("r1", "ping")
            except LoudFailure:
                raise


        def two(channel: Channel) -> None:
            try:
                one(channel)
            except LoudFailure as error:
                raise error


        @boundary("route")
        def main(channel: Channel) -> None:
            try:
                two(channel)
            finally:
                log.debug("passing")
        """,
    ),
    Program(
        name="raised_later_from_a_variable",
        seen=1,
        body="""
        @boundary("route")
        def main(channel: Channel) -> None:
            failed = None
            try:
                channel.send_now("r1", "ping")
            except LoudFailure as error:
                failed = error
            if failed is not None:
                raise failed
        """,
    ),
    Program(
        name="wrapped_by_cause",
        seen=1,
        body="""
        @boundary("route")
        def main(channel: Channel) -> None:
            try:
                channel.send_now("r1", "ping")
            except LoudFailure as error:
                raise HostError("no luck") from error
        """,
    ),
    Program(
        name="wrapped_by_context",
        seen=1,
        body="""
        @boundary("route")
        def main(channel: Channel) -> None:
            try:
                channel.send_now("r1", "ping")
            except LoudFailure:
                raise HostError("no luck")
        """,
    ),
    Program(
        name="wrapped_from_none",
        seen=1,
        body="""
        @boundary("route")
        def main(channel: Channel) -> None:
            try:
                channel.send_now("r1", "ping")
            except LoudFailure as error:
                raise HostError(str(error)) from None
        """,
    ),
    Program(
        name="wrapped_in_an_attribute",
        seen=1,
        body="""
        @boundary("route")
        def main(channel: Channel) -> None:
            wrapper = HostError("no luck")
            try:
                channel.send_now("r1", "ping")
            except LoudFailure as error:
                wrapper.original = error
            raise wrapper
        """,
    ),
    Program(
        name="gathered_and_raised_as_one",
        seen=2,
        body="""
        @boundary("route")
        async def main(channel: Channel) -> None:
            sent = await asyncio.gather(channel.send("r1", "a"), channel.send("r1", "b"), return_exceptions=True)
            failed = [each for each in sent if isinstance(each, Exception)]
            if failed:
                raise HostError("not sent", failed)
        """,
    ),
    Program(
        name="gather_raises_the_first",
        seen=1,
        body="""
        @boundary("route")
        async def main(channel: Channel) -> None:
            await asyncio.gather(channel.send("r1", "ping"), asyncio.sleep(0))
        """,
    ),
    Program(
        name="task_group",
        seen=2,
        body="""
        @boundary("route")
        async def main(channel: Channel) -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(channel.send("r1", "ping"))
                group.create_task(channel.send("r1", "pong"))
        """,
    ),
    Program(
        name="except_star_of_something_else",
        seen=1,
        body="""
        async def both(channel: Channel) -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(channel.send("r1", "ping"))


        @boundary("route")
        async def main(channel: Channel) -> None:
            try:
                await both(channel)
            except* OSError:
                log.warning("the disk")
        """,
    ),
    Program(
        name="wait_for_and_shield",
        seen=1,
        body="""
        @boundary("route")
        async def main(channel: Channel) -> None:
            await asyncio.wait_for(asyncio.shield(channel.send("r1", "ping")), 5)
        """,
    ),
    Program(
        name="thread_awaited",
        seen=1,
        body="""
        @boundary("route")
        async def main(channel: Channel) -> None:
            await asyncio.to_thread(channel.send_now, "r1", "ping")
        """,
    ),
    Program(
        name="executor_future_read",
        seen=1,
        body="""
        @boundary("route")
        def main(channel: Channel) -> None:
            with concurrent.futures.ThreadPoolExecutor() as pool:
                pool.submit(channel.send_now, "r1", "ping").result()
        """,
    ),
    Program(
        name="thread_without_a_handler",
        seen=1,
        body="""
        def main(channel: Channel) -> None:
            thread = threading.Thread(target=channel.send_now, args=("r1", "ping"))
            thread.start()
            thread.join()
        """,
    ),
    Program(
        name="done_callback_that_reports",
        seen=1,
        body="""
        @boundary("mailer")
        def ended(task: asyncio.Task) -> None:
            log.error("ended: %s", task.exception())


        async def main(channel: Channel) -> None:
            task = asyncio.create_task(channel.send("r1", "ping"))
            task.add_done_callback(ended)
            await asyncio.wait([task])
        """,
    ),
    Program(
        name="future_callback_that_reports",
        seen=1,
        body="""
        @boundary("mailer")
        def ended(future: concurrent.futures.Future) -> None:
            log.error("ended: %s", future.exception())


        def main(channel: Channel) -> None:
            with concurrent.futures.ThreadPoolExecutor() as pool:
                pool.submit(channel.send_now, "r1", "ping").add_done_callback(ended)
        """,
    ),
    Program(
        name="spawned",
        seen=1,
        body="""
        async def main(channel: Channel) -> None:
            task = spawn(channel.send("r1", "ping"), name="mailer")
            await asyncio.wait([task])
        """,
    ),
    Program(
        name="escalated_by_the_handler",
        seen=1,
        body="""
        def main(channel: Channel) -> None:
            try:
                channel.send_now("r1", "ping")
            except LoudFailure as error:
                escalate(error)
        """,
    ),
    Program(
        name="suppress_of_something_else",
        seen=1,
        body="""
        def main(channel: Channel) -> None:
            with contextlib.suppress(OSError, ValueError):
                channel.send_now("r1", "ping")
        """,
    ),
    # --- something else fails inside the handler of a failure that is swallowed: it carries nothing out of there
    Program(
        name="notifies_again_in_the_handler",
        swallowed=1,
        escalated=1,
        body="""
        async def main(channel: Channel) -> None:
            try:
                await channel.send("r1", "ping")
            except Exception as error:  # stops
                log.warning("%s", error)
                await channel.send("lost", "pong")
        """,
    ),
    Program(
        name="notifies_again_in_a_function_of_the_handler",
        swallowed=1,
        escalated=1,
        body="""
        async def tell(channel: Channel) -> None:
            try:
                await channel.send("lost", "pong")
            except LoudFailure as error:
                escalate(error)


        async def main(channel: Channel) -> None:
            try:
                await channel.send("r1", "ping")
            except Exception:  # stops
                await tell(channel)
        """,
    ),
    Program(
        name="something_else_declared_in_the_handler",
        swallowed=1,
        body="""
        def main(channel: Channel) -> None:
            try:
                channel.send_now("r1", "ping")
            except LoudFailure:
                try:
                    raise HostError("mail")
                except HostError as other:
                    handled(other, reason="mail is best effort")
        """,
    ),
    Program(
        name="a_boundary_in_the_handler",
        swallowed=1,
        body="""
        @boundary("mail")
        def mail() -> None:
            raise HostError("mail")


        def main(channel: Channel) -> None:
            try:
                channel.send_now("r1", "ping")
            except LoudFailure:  # stops
                with contextlib.suppress(HostError):
                    mail()
        """,
    ),
    Program(
        name="something_else_declared_while_it_passes_a_finally",
        seen=1,
        body="""
        @boundary("route")
        def main(channel: Channel) -> None:
            try:
                channel.send_now("r1", "ping")
            finally:
                try:
                    raise HostError("mail")
                except HostError as other:
                    handled(other, reason="mail is best effort")
        """,
    ),
    Program(
        name="replaced_in_the_handler_and_declared_outside_it",
        handled=1,
        body="""
        def main(channel: Channel) -> None:
            try:
                try:
                    channel.send_now("r1", "ping")
                except LoudFailure:
                    raise HostError("no luck")
            except HostError as other:
                handled(other, reason="tried again")
        """,
    ),
    Program(
        name="replaced_in_the_handler_and_declared_one_frame_up",
        handled=1,
        body="""
        def deeper(channel: Channel) -> None:
            try:
                channel.send_now("r1", "ping")
            except LoudFailure:
                raise HostError("no luck")


        def main(channel: Channel) -> None:
            try:
                deeper(channel)
            except HostError as other:
                handled(other, reason="tried again")
        """,
    ),
    Program(
        name="carried_by_cause_inside_the_handler",
        handled=1,
        body="""
        def main(channel: Channel) -> None:
            try:
                channel.send_now("r1", "ping")
            except LoudFailure as error:
                try:
                    raise HostError("no luck") from error
                except HostError as other:
                    handled(other, reason="tried again")
        """,
    ),
    # --- declared, and kept
    Program(
        name="retry_declared",
        handled=2,
        answers=(False, False, True),
        body="""
        def main(channel: Channel) -> None:
            for _ in range(3):
                try:
                    channel.send_now("r1", "ping")
                except LoudFailure as error:
                    handled(error, reason="tried again")
                    continue
                break
        """,
    ),
    Program(
        name="some_of_a_group_declared",
        handled=1,
        swallowed=1,
        body="""
        async def main(channel: Channel) -> None:
            sent = await asyncio.gather(channel.send("r1", "a"), channel.send("r1", "b"), return_exceptions=True)
            handled(sent[0], reason="sent by mail")
        """,
    ),
    Program(
        name="kept_for_good",
        held=1,
        body="""
        def main(channel: Channel) -> None:
            try:
                channel.send_now("r1", "ping")
            except LoudFailure as error:
                kept.append(error)
        """,
    ),
)
