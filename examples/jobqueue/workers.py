"""Run jobs on a pool of threads."""

import logging
from concurrent.futures import ThreadPoolExecutor

from jobqueue import notices
from jobqueue.dead import DeadLetters
from jobqueue.notices import notify

LOG = logging.getLogger(__name__)


class Worker:
    """Takes jobs from a queue and runs them; `handlers` maps a kind to a function."""

    def __init__(self, queue, handlers, dead, threads=2):
        self.queue, self.handlers, self.dead = queue, handlers, dead
        self.pool = ThreadPoolExecutor(threads)

    def run(self, job):
        """Run one job. Whatever it raises is logged, and nobody hears of it."""
        try:
            self._call(job)
        except Exception as error:
            LOG.debug("job %s failed: %s", job.id, error)
            self.dead.bury(job, str(error))

    def finish(self, job):
        """Run one job, tell its owner, give its result. Whether the owner heard is not looked at."""
        result = self._call(job)
        notify(job, "finished")
        return result

    def drain(self):
        """Run all queued jobs on the pool; gives how many."""
        futures = []
        while (job := self.queue.take()) is not None:
            futures.append(self.pool.submit(self.run, job))
        for future in futures:
            future.exception()
        return len(futures)

    def close(self):
        """Wait for the threads."""
        self.pool.shutdown()

    def _call(self, job):
        return self.handlers[job.kind](**job.payload)


def announce(job):
    """Tell the owner that a job waits, by mail and by pager."""
    notices.notify(job, "queued")
    notices.notify(job, "queued", channel=notices.Channel.PAGER)


DEFAULTS = {"dead": DeadLetters, "worker": Worker}
