"""A listener that writes down what a process said."""

from stoker.runtime_api.extensions import Extension
from stoker.runtime_api.session import Answer
from stoker.runtime_api.telemetry import Subscription


class RecordingListener:
    """`heard` is of the function's process, `of_extensions` of the others."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Answer | None]] = []
        self.of_extensions: list[tuple[str, object]] = []

    def extension_moved(self) -> None:
        self.of_extensions.append(("moved", None))

    def extension_failed(self, extension: Extension) -> None:
        self.of_extensions.append(("failed", extension.name))

    def subscribed(self, extension: Extension, subscription: Subscription) -> None:
        self.of_extensions.append(("subscribed", subscription))

    def ready(self) -> None:
        self.heard.append(("ready", None))

    def asked(self) -> None: ...

    def answered(self, answer: Answer) -> None:
        self.heard.append(("answered", answer))

    def init_failed(self, answer: Answer) -> None:
        self.heard.append(("init failed", answer))

    def lost(self) -> None:
        self.heard.append(("lost", None))

    @property
    def words(self) -> list[str]:
        return [word for word, _ in self.heard]

    @property
    def answers(self) -> list[Answer]:
        return [answer for _, answer in self.heard if answer is not None]
