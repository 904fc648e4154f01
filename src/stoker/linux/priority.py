"""Who has the processor first where everybody wants it."""

import os


def go_first() -> bool:
    """Let this thread run whenever it can, before functions and all else of an ordinary priority; whether it may now.

    What it starts, threads and processes, is ordinary again. On the only processor it would be in the way of those that
    it serves; the kernel leaves them a twentieth of its own in any case.
    """
    if len(os.sched_getaffinity(0)) < 2:
        return False
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except OSError:
        # Not root, or in a group of processes that has no part in it.
        return False
    return True
