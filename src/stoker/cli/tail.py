"""A function's log as it is written, shown until the command ends."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from stoker.cli import screen
from stoker.cli.connection import Connection
from stoker.cli.failures import explain
from stoker.cli.logs import log_group, show

_BEFORE_ANOTHER_TRY_S = 1.0


class Tail:
    """Shows the log of one function from `start` on, in a thread of its own, through the API's live tail."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self._name = name
        self._begun = threading.Event()

    def __repr__(self) -> str:
        return f"<Tail of {self._name}, {'begun' if self._begun.is_set() else 'not begun'}>"

    def start(self, timeout_s: float) -> None:
        """Returns once lines are heard, so that none of what happens next is missed, or when that takes too long."""
        # A daemon: it reads from the server for as long as the command runs, and nothing of it has to be kept.
        threading.Thread(target=self._run, name="tail", daemon=True).start()
        self._begun.wait(timeout_s)

    def _run(self) -> None:
        """A session lasts three hours at most and not beyond the server's life: there is a next one."""
        trouble = None
        while True:
            try:
                for event in self._session():
                    show(event, as_json=False)
            except Exception as error:  # The thread's boundary: the log is missing then, but the watch goes on.
                line = explain(error) or repr(error)
                if line != trouble:
                    screen.say(f"No log at the moment: {line}", style="red")
                trouble = line
                threading.Event().wait(_BEFORE_ANOTHER_TRY_S)
            else:
                trouble = None

    def _session(self) -> Iterator[dict[str, Any]]:
        client, functions = self._connection.client("logs"), self._connection.client("lambda")
        group = log_group(functions, self._name)
        account = functions.get_function_configuration(FunctionName=self._name)["FunctionArn"].split(":")[4]
        with contextlib.suppress(client.exceptions.ResourceAlreadyExistsException):
            client.create_log_group(logGroupName=group)
        arn = f"arn:aws:logs:{client.meta.region_name}:{account}:log-group:{group}"
        for told in client.start_live_tail(logGroupIdentifiers=[arn])["responseStream"]:
            self._begun.set()
            yield from told.get("sessionUpdate", {}).get("sessionResults", [])
