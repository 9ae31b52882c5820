"""What a learner has done so far, event by event, in a file beside their lessons. No AWS.

`events` is what one event holds, `journal` the file. Both keep what the course asked and how it
was answered; never code, never data.
"""

from workshop_lib.progress.events import Event, mark
from workshop_lib.progress.journal import FILE_NAME, Journal, learners_journal

__all__ = ["FILE_NAME", "Event", "Journal", "learners_journal", "mark"]
