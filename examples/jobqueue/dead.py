"""Where jobs end that failed too often."""

import json
import logging
from typing import final

LOG = logging.getLogger(__name__)


@final
class DeadLetters:
    """A file of failed jobs. Final: it says so itself, and refuses subclasses."""

    __slots__ = ("path",)

    def __init_subclass__(cls, **kwargs):
        raise TypeError("DeadLetters is final")

    def __init__(self, path):
        self.path = path

    def bury(self, job, why):
        """Append one job. False where it cannot be written."""
        try:
            with self.path.open("a") as out:
                out.write(json.dumps({"id": job.id, "why": why}) + "\n")
        except OSError as error:
            LOG.debug("dead letter lost: %s", error)
            return False
        return True
