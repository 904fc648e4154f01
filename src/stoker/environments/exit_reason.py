"""How a process ended, in the words of AWS's platform. Pure."""

import signal

from stoker.sandbox.driver import ExitStatus


def of_runtime(status: ExitStatus) -> str:
    """What is said of the runtime's process."""
    text = _text(status)
    return "Runtime exited without providing a reason" if text is None else f"Runtime exited with error: {text}"


def of_extension(status: ExitStatus) -> str:
    """What is said of an extension's process."""
    return _text(status) or "exit code 0"


def _text(status: ExitStatus) -> str | None:
    if status.out_of_memory:
        return "signal: killed"
    if status.signal is not None:
        name = signal.strsignal(status.signal) if status.signal in signal.valid_signals() else None
        return f"signal: {(name or str(status.signal)).lower()}"
    return f"exit status {status.code}" if status.code else None
