"""Bounded queues, by name."""

import json
import logging
from collections import deque
from threading import Lock

from jobqueue.jobs import Job

LOG = logging.getLogger(__name__)


class JobQueue:
    """One bounded queue. Every constructor call with one name gives the same queue."""

    _queues = {}
    restored = 0

    def __new__(cls, name, capacity=100):
        found = cls._queues.get(name)
        if found is None:
            found = cls._queues[name] = super().__new__(cls)
            found.name, found.capacity, found.jobs, found.lock = name, capacity, deque(), Lock()
        return found

    def enqueue(self, job):
        """Add a job. False where the queue is full."""
        if not self.accepts(job):
            return False
        with self.lock:
            if len(self.jobs) >= self.capacity:
                LOG.debug("queue %s is full, %s dropped", self.name, job.id)
                return False
            self.jobs.append(job)
            return True

    def take(self):
        """Give the oldest job, None where there is none (which is no failure)."""
        with self.lock:
            return self.jobs.popleft() if self.jobs else None

    @staticmethod
    def accepts(job):
        """Say whether a job can be queued at all."""
        return bool(job.id and job.kind)

    @classmethod
    def restore(cls, name, path):
        """Read a queue from a file. None where that fails."""
        try:
            rows = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            LOG.debug("queue %s not restored: %s", name, error)
            return None
        queue = cls(name)
        queue.jobs.extend(Job(**row) for row in rows)
        cls.restored += len(rows)
        return queue
