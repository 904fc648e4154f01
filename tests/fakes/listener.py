"""A listener that writes down what a process said."""

from stoker.runtime_api.session import Answer


class RecordingListener:
    def __init__(self) -> None:
        self.heard: list[tuple[str, Answer | None]] = []

    def ready(self) -> None:
        self.heard.append(("ready", None))

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
