"""The invocations of one environment, one at a time: from the delivery to the record of what it used.

All of it happens in callbacks of the process and of the deadline. An invocation is over when the process has answered
or cannot; with extensions, when those that were told of it and the runtime ask for the next one. The caller has its
answer before that.
"""

from functools import partial
from typing import Protocol

from stoker.environments import outcome
from stoker.environments.failures import ExtensionEnd
from stoker.environments.job import Job, Reply
from stoker.environments.log import EnvironmentLog
from stoker.environments.outcome import Outcome
from stoker.environments.process import FunctionProcess
from stoker.model.alarm import Alarm
from stoker.model.clock import Clock
from stoker.model.function import FunctionVersion
from stoker.model.invocation import Invocation
from stoker.runtime_api.session import Answer, Delivery
from stoker.sandbox.driver import ExitStatus


class ExecutionOwner(Protocol):
    """Whose invocations they are: the environment."""

    def over(self, end: Outcome | None) -> None:
        """The invocation is over and recorded, or without one the process is: then `end` is None."""

    def broken(self, error: Exception) -> None:
        """A fault of ours or the machine's: the invocation has no end of its own."""


class Execution:
    """Listens to the process from the end of its init on; see `process.ProcessListener`."""

    def __init__(self, function: FunctionVersion, clock: Clock, log: EnvironmentLog, owner: ExecutionOwner) -> None:
        self.job: Job | None = None
        self._function = function
        self._clock = clock
        self._log = log
        self._owner = owner
        self._process: FunctionProcess | None = None
        self._concluding = False
        self._stopped = False
        # What the process has answered where extensions are not done yet.
        self._answered: Outcome | None = None
        self._deadline = Alarm(clock, self._overrun)

    def take(self, invocation: Invocation, reply: Reply, log_tail: bool) -> Job:
        """The next invocation, which is yet to begin."""
        self.job = job = Job(function=self._function, invocation=invocation, log_tail=log_tail, reply=reply)
        return job

    def begin(self, job: Job, process: FunctionProcess, now: float) -> None:
        """Deliver it to the process, which waits for it. Raises SandboxError."""
        self._process = process
        if process.frozen:
            process.thaw()
        if job.started is None:
            job.started = now
        left_s = job.started + self._function.timeout_s - now
        invocation = job.invocation
        self._log.began(invocation.request_id, keep_tail=job.log_tail, qualifier=invocation.qualifier)
        self._deadline.set(now + left_s)
        deadline_ms = int((self._clock.time() + left_s) * 1000)
        process.deliver(Delivery(invocation=invocation, deadline_ms=deadline_ms))
        # One that was gone before it could be told to anybody but its init.
        if process.exit_status is not None:
            self.ended(process.exit_status)
        elif process.extension_end is not None:
            self.extension_ended(process.extension_end)

    def refuse(self, job: Job, process: FunctionProcess | None, end: Outcome) -> None:
        """It ends before it began, since there is no process that could take it."""
        self._process = process
        self._log.began(job.request_id, keep_tail=job.log_tail, qualifier=job.invocation.qualifier)
        self._conclude(end)

    def stop(self) -> None:
        """Record nothing more."""
        self._stopped = True
        self._deadline.stop()

    def give_up(self, error: Exception) -> None:
        """Hand whoever waits for a result a fault that is not the function's."""
        job, self.job = self.job, None
        if job is not None:
            job.give_up(error)

    # What the process says

    def initialised(self, error: Answer | None) -> None:
        raise AssertionError("the session lets an init end only once")

    def answered(self, answer: Answer) -> None:
        end = outcome.answered(answer)
        if self._process is None or self._process.settled:
            self._conclude(end)
        else:
            self._await_extensions(end)

    def settled(self) -> None:
        if self._answered is not None:
            self._conclude(self._answered)

    def lost(self) -> None:
        """If it has an invocation, its exit will tell more."""
        if self.job is None:
            self._owner.over(None)

    def ended(self, exit_status: ExitStatus) -> None:
        if self.job is None:
            self._owner.over(None)
        else:
            self._conclude(outcome.exited(self.job.request_id, exit_status))

    def extension_ended(self, end: ExtensionEnd) -> None:
        if self.job is None:
            self._owner.over(None)
        else:
            self._conclude(outcome.extension_ended(self.job.request_id, end))

    def _overrun(self) -> None:
        if self.job is not None:
            self._conclude(outcome.timed_out(self.job.request_id, self._function.timeout_s, self._clock.time()))

    def _await_extensions(self, end: Outcome) -> None:
        """The runtime is done. The caller gets its answer, unless it wants the log's end, which is yet to come."""
        job, process = self.job, self._process
        if job is None or process is None or self._concluding or self._answered is not None:
            return
        self._answered = end
        job.answered = self._clock.monotonic()
        process.drain(lambda: self._hand_over(job, process, end))

    def _hand_over(self, job: Job, process: FunctionProcess, end: Outcome) -> None:
        if self._stopped or self.job is not job or self._answered is not end:
            return
        try:
            self._log.runtime_done(job.report(end, process.sandbox.usage().max_memory_bytes), end)
        except Exception as error:  # The boundary of a callback: without it the caller would wait for ever.
            self._owner.broken(error)
            return
        if not job.log_tail:
            job.give(end, None)

    def _conclude(self, end: Outcome) -> None:
        """The invocation is over: read what the process wrote up to here, then record it. Later ends are too late."""
        job = self.job
        if job is None or self._concluding or self._process is None:
            return
        self._concluding = self._log.holding = True
        job.ended = self._clock.monotonic()
        self._process.drain(partial(self._record, job, end))

    def _record(self, job: Job, end: Outcome) -> None:
        """Meter, log and bill, then answer."""
        self._concluding = self._log.holding = False
        self._answered = None
        assert self._process is not None
        if self._stopped:
            return
        try:
            report = job.report(end, self._process.sandbox.usage().max_memory_bytes)
            log_tail = self._log.ended(report, end)
            if job.invocation.trace is not None and job.started is not None and job.ended is not None:
                job.invocation.trace.ended(job.started, job.ended, report)
        except Exception as error:  # The boundary of a callback: without it the caller would wait for ever.
            self._owner.broken(error)
            return
        self.job = None
        self._owner.over(end)
        job.give(end, log_tail)
