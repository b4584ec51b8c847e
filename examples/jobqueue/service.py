"""What callers use. It captures the classes by name, as applications do."""

import functools
import logging

from jobqueue.dead import DeadLetters
from jobqueue.notices import notify as tell
from jobqueue.queues import JobQueue
from jobqueue.workers import Worker, announce

LOG = logging.getLogger(__name__)
KINDS = (JobQueue, Worker)
BY_CLASS = {JobQueue: "queue", Worker: "worker", DeadLetters: "dead letters"}
STEPS = [announce, tell]
small_queue = functools.partial(JobQueue, capacity=1)


class Service:
    """One queue and one worker."""

    queue_class = JobQueue

    def __init__(self, name, handlers, path, make_dead=DeadLetters):
        self.queue = self.queue_class(name)
        self.worker = Worker(self.queue, handlers, make_dead(path))

    def submit(self, job):
        """Queue a job and tell its owner. Reports success whatever happened."""
        self.queue.enqueue(job)
        try:
            tell(job, "accepted")
        except Exception as error:
            LOG.debug("could not tell %s: %s", job.owner, error)
        return {"ok": True, "job": job.id}

    def submit_all(self, jobs):
        """Queue many; gives how many were taken."""
        return sum(1 for job in jobs if self.queue.enqueue(job))
