"""What goes wrong: where a person can mend it, a sentence says how; where it is a mistake of ours, the log gets its
traceback, and people one general sentence."""

import errno
import logging

from core.i18n import _

logger = logging.getLogger(__name__)


class UserError(ValueError):
    """Something that a person can mend; the message is a sentence for them that says what to do.

    What is raised for people derives from it. Whatever else is raised, by us or by a library, is a bug.
    """


def sentence_of(error: Exception) -> str:
    """Return what people read of ``error``: its own sentence where it was raised for them, else a general one."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return _("The server's disk is full. Its owner has to make room; try it again then.")
    return _("The computation failed; the server's log says why. Try it again.")


def logged(error: Exception) -> str:
    """Return ``sentence_of(error)``; a bug goes to the log, with its traceback."""
    if not isinstance(error, UserError):
        logger.error("Something failed that nobody foresaw", exc_info=error)
    return sentence_of(error)
