"""Programs in which a failure leaves more than one function: what `flow` has to follow, and what run time then shows.

The same kind of data as `swallow_programs`; the run-time detector is held to it too.
"""

from __future__ import annotations

from programs.swallow_programs import Program

__all__ = ["CHAINS"]

CHAINS = (
    # --- frames
    Program(
        name="two_frames_up",
        swallowed=1,
        body="""
        def send(channel: Channel) -> None:
            channel.send_now("r1", "ping")

        def work(channel: Channel) -> None:
            send(channel)

        def main(channel: Channel) -> None:
            try:
                work(channel)
            except Exception:  # stops
                log.error("no luck")
        """,
    ),
    Program(
        name="outside_of_the_try_body",
        seen=1,
        body="""
        def send(channel: Channel) -> None:
            try:
                log.info("about to send")
            except Exception:
                log.error("no luck")
            else:
                channel.send_now("r1", "ping")

        def main(channel: Channel) -> None:
            send(channel)
        """,
    ),
    Program(
        name="in_the_finally_body",
        seen=1,
        body="""
        def main(channel: Channel) -> None:
            try:
                log.info("about to send")
            except Exception:
                log.error("no luck")
            finally:
                channel.send_now("r1", "ping")
        """,
    ),
    Program(
        name="nested_function",
        swallowed=1,
        body="""
        def main(channel: Channel) -> None:
            def inner() -> None:
                channel.send_now("r1", "ping")

            try:
                inner()
            except Exception:  # stops
                log.error("no luck")
        """,
    ),
    Program(
        name="defined_in_the_try_called_outside",
        seen=1,
        body="""
        def main(channel: Channel) -> None:
            try:
                def inner() -> None:
                    channel.send_now("r1", "ping")
            except Exception:
                log.error("no luck")
            inner()
        """,
    ),
    Program(
        name="method_of_a_class",
        swallowed=1,
        body="""
        class Worker:
            def __init__(self, channel: Channel) -> None:
                self.channel = channel

            def run(self) -> None:
                self.send()

            def send(self) -> None:
                self.channel.send_now("r1", "ping")

        def main(channel: Channel) -> None:
            worker = Worker(channel)
            try:
                worker.run()
            except Exception:  # stops
                log.error("no luck")
        """,
    ),
    Program(
        name="override_behind_a_base",
        swallowed=1,
        body="""
        class Base:
            def __init__(self, channel: Channel) -> None:
                self.channel = channel

            def run(self) -> None:
                try:
                    self.step()
                except Exception:  # stops
                    log.error("no luck")

            def step(self) -> None:
                raise NotImplementedError

        class Sends(Base):
            def step(self) -> None:
                self.channel.send_now("r1", "ping")

        def main(channel: Channel) -> None:
            Sends(channel).run()
        """,
    ),
    Program(
        name="super_goes_up",
        seen=1,
        body="""
        class Base:
            def __init__(self, channel: Channel) -> None:
                self.channel = channel

            def step(self) -> None:
                self.channel.send_now("r1", "ping")

        class Plain(Base):
            def step(self) -> None:
                super().step()

        def main(channel: Channel) -> None:
            Plain(channel).step()
        """,
    ),
    Program(
        name="in_a_constructor",
        swallowed=1,
        body="""
        class Greets:
            def __init__(self, channel: Channel) -> None:
                channel.send_now("r1", "ping")

        def main(channel: Channel) -> None:
            try:
                Greets(channel)
            except Exception:  # stops
                log.error("no luck")
        """,
    ),
    Program(
        name="in_a_property",
        swallowed=1,
        body="""
        class Greets:
            def __init__(self, channel: Channel) -> None:
                self.channel = channel

            @property
            def greeting(self) -> str:
                self.channel.send_now("r1", "ping")
                return "hello"

        def main(channel: Channel) -> None:
            greets = Greets(channel)
            try:
                log.info(greets.greeting)
            except Exception:  # stops
                log.error("no luck")
        """,
    ),
    Program(
        name="called_by_itself",
        seen=1,
        body="""
        def send(channel: Channel, left: int) -> None:
            if left:
                send(channel, left - 1)
            else:
                channel.send_now("r1", "ping")

        def main(channel: Channel) -> None:
            send(channel, 3)
        """,
    ),
    Program(
        name="coroutine_two_frames_up",
        swallowed=1,
        body="""
        async def send(channel: Channel) -> None:
            await channel.send("r1", "ping")

        async def main(channel: Channel) -> None:
            try:
                await asyncio.wait_for(send(channel), 5)
            except Exception:  # stops
                log.error("no luck")
        """,
    ),
    Program(
        name="coroutine_made_in_the_try_awaited_outside",
        seen=1,
        body="""
        async def send(channel: Channel) -> None:
            await channel.send("r1", "ping")

        async def main(channel: Channel) -> None:
            try:
                sending = send(channel)
            except Exception:
                log.error("no luck")
            await sending
        """,
    ),
    Program(
        name="coroutine_handed_up",
        swallowed=1,
        body="""
        async def send(channel: Channel) -> None:
            await channel.send("r1", "ping")

        def start(channel: Channel):
            try:
                return send(channel)
            except Exception:
                log.error("never reached")

        async def main(channel: Channel) -> None:
            try:
                await start(channel)
            except Exception:  # stops
                log.error("no luck")
        """,
    ),
    Program(
        name="gathered_two_frames_up",
        seen=1,
        body="""
        async def send(channel: Channel) -> None:
            await channel.send("r1", "ping")

        async def main(channel: Channel) -> None:
            await asyncio.gather(*[send(channel) for _ in range(1)])
        """,
    ),
    Program(
        name="task_of_a_frame_awaited_later",
        swallowed=1,
        body="""
        async def send(channel: Channel) -> None:
            await channel.send("r1", "ping")

        async def main(channel: Channel) -> None:
            task = asyncio.create_task(send(channel))
            await asyncio.sleep(0)
            try:
                await task
            except Exception:  # stops
                log.error("no luck")
        """,
    ),
    Program(
        name="task_group_two_frames_up",
        seen=1,
        body="""
        async def send(channel: Channel) -> None:
            await channel.send("r1", "ping")

        async def main(channel: Channel) -> None:
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(send(channel))
            except LoudFailure:
                log.error("a group is no LoudFailure")
        """,
    ),
    Program(
        name="task_group_kept_by_star",
        swallowed=1,
        body="""
        async def send(channel: Channel) -> None:
            await channel.send("r1", "ping")

        async def main(channel: Channel) -> None:
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(send(channel))
            except* LoudFailure:  # ends
                log.error("no luck")
        """,
    ),
    # --- what is handed over
    Program(
        name="handed_to_a_helper_that_catches",
        swallowed=1,
        body="""
        def guarded(work, *args):
            try:
                return work(*args)
            except Exception:  # stops
                log.error("no luck")

        def main(channel: Channel) -> None:
            guarded(channel.send_now, "r1", "ping")
        """,
    ),
    Program(
        name="lambda_handed_to_a_helper_that_lets_through",
        seen=1,
        body="""
        def measured(work):
            return work()

        def main(channel: Channel) -> None:
            measured(lambda: channel.send_now("r1", "ping"))
        """,
    ),
    Program(
        name="coroutine_handed_to_a_helper_that_catches",
        swallowed=1,
        body="""
        async def guarded(work) -> None:
            try:
                await work
            except Exception:  # stops
                log.error("no luck")

        async def send(channel: Channel) -> None:
            await channel.send("r1", "ping")

        async def main(channel: Channel) -> None:
            await guarded(send(channel))
        """,
    ),
    Program(
        name="helper_lets_through_and_its_caller_catches",
        swallowed=1,
        body="""
        def measured(work):
            return work()

        def send(channel: Channel) -> None:
            channel.send_now("r1", "ping")

        def main(channel: Channel) -> None:
            try:
                measured(lambda: send(channel))
            except Exception:  # stops
                log.error("no luck")
            measured(len)
        """,
    ),
    Program(
        name="lambda_under_a_local_name",
        swallowed=1,
        body="""
        def guarded(work):
            try:
                return work()
            except Exception:  # stops
                log.error("no luck")

        def main(channel: Channel) -> None:
            handler = lambda: channel.send_now("r1", "ping")
            guarded(handler)
        """,
    ),
    Program(
        name="function_under_a_local_name_called",
        seen=1,
        body="""
        def main(channel: Channel) -> None:
            def send() -> None:
                channel.send_now("r1", "ping")

            chosen = send if channel else None
            try:
                log.info("about to send")
            except Exception:
                log.error("no luck")
            chosen()
        """,
    ),
    Program(
        name="handed_on_a_condition",
        swallowed=1,
        body="""
        class Beats:
            def __init__(self, pulse=None) -> None:
                self.pulse = pulse

            def beat(self) -> None:
                try:
                    if self.pulse:
                        self.pulse()
                except Exception:  # stops
                    log.error("no luck")

        def main(channel: Channel) -> None:
            def pulse() -> None:
                channel.send_now("r1", "ping")

            Beats(pulse if channel else None).beat()
        """,
    ),
    # --- decorators
    Program(
        name="decorator_that_catches",
        swallowed=1,
        body="""
        def quiet(function):
            def wrapper(*args):
                try:
                    return function(*args)
                except Exception:  # stops
                    log.error("no luck")

            return wrapper

        @quiet
        def send(channel: Channel) -> None:
            channel.send_now("r1", "ping")

        def main(channel: Channel) -> None:
            send(channel)
        """,
    ),
    Program(
        name="decorator_with_arguments_that_lets_through",
        seen=1,
        body="""
        def named(name):
            def decorate(function):
                async def wrapper(*args):
                    log.info("begin %s", name)
                    return await function(*args)

                return wrapper

            return decorate

        @named("send")
        async def send(channel: Channel) -> None:
            await channel.send("r1", "ping")

        async def main(channel: Channel) -> None:
            await send(channel)
        """,
    ),
    Program(
        name="decorator_that_registers_only",
        seen=1,
        body="""
        known = []

        def register(function):
            known.append(function)
            return function

        @register
        def send(channel: Channel) -> None:
            channel.send_now("r1", "ping")

        def main(channel: Channel) -> None:
            send(channel)
        """,
    ),
    # --- context managers
    Program(
        name="manager_function_that_catches",
        swallowed=1,
        body="""
        @contextlib.contextmanager
        def quiet():
            try:
                yield
            except Exception:  # stops
                log.error("no luck")

        def main(channel: Channel) -> None:
            with quiet():
                channel.send_now("r1", "ping")
        """,
    ),
    Program(
        name="manager_function_that_cleans_up",
        seen=1,
        body="""
        @contextlib.asynccontextmanager
        async def session():
            try:
                yield
            finally:
                log.info("closed")

        async def main(channel: Channel) -> None:
            async with session():
                await channel.send("r1", "ping")
        """,
    ),
    Program(
        name="manager_class_that_answers_true",
        swallowed=1,
        body="""
        class Quiet:
            def __enter__(self):
                return self

            def __exit__(self, kind, error, traceback):
                log.error("no luck")
                return True

        def main(channel: Channel) -> None:
            with Quiet():
                channel.send_now("r1", "ping")
        """,
    ),
    Program(
        name="manager_class_that_answers_nothing",
        seen=1,
        body="""
        class Timed:
            def __enter__(self):
                return self

            def __exit__(self, kind, error, traceback):
                log.error("done")

        def main(channel: Channel) -> None:
            with Timed():
                channel.send_now("r1", "ping")
        """,
    ),
    # --- types
    Program(
        name="wrapped_then_caught_as_what_it_is_now",
        swallowed=1,
        body="""
        class DatabaseError(HostError):
            pass

        def send(channel: Channel) -> None:
            try:
                channel.send_now("r1", "ping")
            except Exception as error:
                raise DatabaseError("no luck") from error

        def main(channel: Channel) -> None:
            try:
                send(channel)
            except HostError:  # ends
                log.error("no luck")
        """,
    ),
    Program(
        name="wrapped_and_no_clause_for_it",
        seen=1,
        body="""
        class DatabaseError(HostError):
            pass

        def send(channel: Channel) -> None:
            try:
                channel.send_now("r1", "ping")
            except Exception as error:
                raise DatabaseError("no luck") from error

        def main(channel: Channel) -> None:
            try:
                send(channel)
            except (LoudFailure, ValueError):
                log.error("it is another by now")
        """,
    ),
    Program(
        name="handler_asks_for_the_type",
        seen=1,
        body="""
        def main(channel: Channel) -> None:
            try:
                channel.send_now("r1", "ping")
            except Exception as error:
                if isinstance(error, LoudFailure):
                    raise
                log.error("no luck")
        """,
    ),
    Program(
        name="handler_asks_for_another_type",
        swallowed=1,
        body="""
        def main(channel: Channel) -> None:
            try:
                channel.send_now("r1", "ping")
            except Exception as error:  # ends
                if not isinstance(error, LoudFailure):
                    raise
                log.error("no luck")
        """,
    ),
    Program(
        name="raised_by_a_helper",
        seen=1,
        body="""
        def fail(why: str):
            raise HostError(why)

        def main(channel: Channel) -> None:
            try:
                channel.send_now("r1", "ping")
            except Exception:
                fail("no luck")
        """,
    ),
    # --- work
    Program(
        name="loop_that_tries_again_and_gives_up",
        seen=1,
        swallowed=2,
        body="""
        def send(channel: Channel) -> None:
            for attempt in range(3):
                try:
                    channel.send_now("r1", "ping")
                    return
                except Exception:  # ends
                    if attempt == 2:
                        raise
                    log.error("again")

        def main(channel: Channel) -> None:
            send(channel)
        """,
    ),
    Program(
        name="escalated_two_frames_up",
        seen=1,
        body="""
        def send(channel: Channel) -> None:
            channel.send_now("r1", "ping")

        def main(channel: Channel) -> None:
            try:
                send(channel)
            except LoudFailure as error:
                escalate(error)
        """,
    ),
)
