"""Tell the owner of a job what became of it."""

import enum
import logging

LOG = logging.getLogger(__name__)
OUTBOX = {}
"Owner -> texts; an owner without a box cannot be told."


class Channel(enum.Enum):
    """How an owner is told."""

    MAIL = "mail"
    PAGER = "pager"

    def deliver(self, owner, text):
        """Put a text in the owner's box. False where there is no box."""
        box = OUTBOX.get(owner)
        if box is None:
            LOG.debug("no %s box for %s", self.value, owner)
            return False
        box.append(f"{self.value}: {text}")
        return True


def notify(job, event, channel=Channel.MAIL):
    """Tell a job's owner; gives the text, None where it could not be delivered."""
    text = f"{event} {job.id}"
    try:
        return text if channel.deliver(job.owner, text) else None
    except Exception as error:
        LOG.debug("notify failed: %s", error)
        return None
