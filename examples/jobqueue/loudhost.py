"""The host file of the job queue: its components, contracts and exceptions. The one thing `failloud` needs to know."""

from shim.contracts import Contract, Hook, Host, HostClass, Named, Shows, Work
from shim.errors import UNKNOWN, LoudFailure

__all__ = ["HOST", "JobFailedError", "JobLostError", "NoticeLostError", "QueueFullError"]


class QueueFullError(LoudFailure):
    """Raised when a job was not queued."""

    phrase = "job not queued"
    context_keys = ("job_id", "queue")

    def __init__(self, reason="", *, job_id=UNKNOWN, queue=UNKNOWN, **common):
        super().__init__(reason, context={"job_id": job_id, "queue": queue}, **common)


class JobFailedError(LoudFailure):
    """Raised when a job's code raised and the worker swallowed it."""

    phrase = "job failed"
    context_keys = ("job_id", "kind")

    def __init__(self, reason="", *, job_id=UNKNOWN, kind=UNKNOWN, **common):
        super().__init__(reason, context={"job_id": job_id, "kind": kind}, **common)


class JobLostError(LoudFailure):
    """Raised when jobs are gone: a queue that was not restored, a dead letter that was not written."""

    phrase = "job lost"


class NoticeLostError(LoudFailure):
    """Raised when an owner was not told."""

    phrase = "owner not told"
    context_keys = ("job_id",)

    def __init__(self, reason="", *, job_id=UNKNOWN, **common):
        super().__init__(reason, context={"job_id": job_id}, **common)


QUEUE = "jobqueue.queues:JobQueue"
WORKER = "jobqueue.workers:Worker"
DEAD = "jobqueue.dead:DeadLetters"
CHANNEL = "jobqueue.notices:Channel"
NOTICES = "jobqueue.notices"

OF_JOB = {"run_id": "job.id", "user_id": "job.owner", "job_id": "job.id", "kind": "job.kind"}

HOST = Host(
    name="jobqueue",
    package="jobqueue",
    facade="jobqueue.loud",
    versions=">=1,<2",
    version_attribute="jobqueue:__version__",
    components=("queue", "worker", "notices", "store"),
    classes=(
        HostClass(component="queue", target=QUEUE, identity={**OF_JOB, "queue": "self.name"}),
        HostClass(
            component="worker",
            target=WORKER,
            identity=OF_JOB,
            hooks=(Hook(method="_call", shows=Shows.RAISES, error=JobFailedError, reason="the job's code raised"),),
        ),
        HostClass(component="store", target=DEAD, identity=OF_JOB),
        HostClass(component="notices", target=CHANNEL, identity={"user_id": "owner"}),
    ),
    contracts=(
        Contract(
            component="queue", target=QUEUE, method="enqueue", signature="(self, job)", is_async=False,
            shows=Shows.FALSY, error=QueueFullError, reason="the queue did not take the job", event_type="{job.kind}",
            hint="take jobs faster, or raise the queue's capacity",
        ),
        Contract(
            component="queue", target=QUEUE, method="accepts", signature="(job)", is_async=False, shows=Shows.FALSY,
            error=QueueFullError, reason="the job has no id or no kind", event_type="{job.kind}",
        ),
        Contract(
            component="queue", target=QUEUE, method="restore", signature="(cls, name, path)", is_async=False,
            shows=Shows.FALSY, error=JobLostError, reason="the queue's file could not be read",
        ),
        Contract(
            component="worker", target=WORKER, method="run", signature="(self, job)", is_async=False,
            shows=Shows.NEVER, error=JobFailedError, reason="the job failed", event_type="{job.kind}",
        ),
        Contract(
            component="worker", target=WORKER, method="finish", signature="(self, job)", is_async=False,
            shows=Shows.NEVER, error=JobFailedError, reason="the job failed", work=Work.PRECEDES,
            event_type="{job.kind}",
        ),
        Contract(
            component="notices", target=NOTICES, method="notify", signature="(job, event, channel=Ellipsis)",
            is_async=False, shows=Shows.FALSY, error=NoticeLostError, reason="the owner has no box",
            event_type="{event}", identity=OF_JOB, hint="make a box for the owner first",
        ),
        Contract(
            component="notices", target=CHANNEL, method="deliver", signature="(self, owner, text)", is_async=False,
            shows=Shows.FALSY, error=NoticeLostError, reason="the owner has no box",
        ),
        Contract(
            component="store", target=DEAD, method="bury", signature="(self, job, why)", is_async=False,
            shows=Shows.FALSY, error=JobLostError, reason="the dead letter was not written",
            event_type="dead letter",
        ),
    ),
    naming=(
        Named(pattern=r"queue$", target=QUEUE),
        Named(pattern=r"dead$", target=DEAD),
        Named(pattern=r"channel$", target=CHANNEL),
    ),
)  # fmt: skip
