"""What an extension may say to the Extensions API, and when."""

import pytest

from stoker.runtime_api.extensions import MAX_EXTENSIONS, Event, Extension, Extensions
from stoker.runtime_api.session import Refusal


class Connection:
    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def send_extension_event(self, event: bytes) -> None:
        self.sent.append(event)


def registered(extensions: Extensions, name: str, *events: str) -> Extension:
    found = extensions.register(name, events)
    assert isinstance(found, Extension)
    return found


def external(*events: str) -> tuple[Extensions, Extension]:
    extensions = Extensions()
    extensions.expect(["shipper"])
    return extensions, registered(extensions, "shipper", *events)


def refusal(answer: object) -> str:
    assert isinstance(answer, Refusal)
    assert answer.status == 403
    return answer.error_type


def test_the_runtime_has_to_wait_until_every_external_extension_has_registered() -> None:
    extensions = Extensions()
    extensions.expect(["a", "b"])
    registered(extensions, "a")
    assert not extensions.all_registered
    registered(extensions, "b")
    assert extensions.all_registered


def test_an_init_is_over_when_all_have_asked_for_an_event_also_those_that_want_none() -> None:
    extensions, shipper = external()
    thread = registered(extensions, "thread", "INVOKE")
    assert shipper.ask(Connection()) is None
    assert not extensions.all_ready
    thread.ask(Connection())
    assert extensions.all_ready


def test_an_invocation_waits_only_for_those_that_were_told_of_it() -> None:
    extensions, shipper = external("SHUTDOWN")
    thread, waits = registered(extensions, "thread", "INVOKE"), Connection()
    shipper.ask(Connection())
    thread.ask(waits)
    extensions.give(Event.INVOKE, b"event")
    assert waits.sent == [b"event"]
    assert extensions.working
    thread.ask(Connection())
    assert not extensions.working


def test_an_event_is_held_for_an_extension_that_is_not_there_to_take_it() -> None:
    extensions, shipper = external("INVOKE")
    connection = Connection()
    shipper.ask(connection)
    extensions.withdraw(connection)
    extensions.give(Event.INVOKE, b"event")
    assert connection.sent == []
    assert shipper.ask(Connection()) == b"event"
    assert extensions.working


def test_only_external_extensions_are_told_of_the_end() -> None:
    extensions, _ = external("INVOKE", "SHUTDOWN")
    assert refusal(extensions.register("thread", ["SHUTDOWN"])) == "Extension.InvalidEventType"
    assert extensions.subscribed_to_shutdown() == ["shipper"]


def test_what_is_out_of_order_is_refused_in_aws_s_words() -> None:
    extensions, shipper = external("INVOKE")
    assert refusal(extensions.register("shipper", [])) == "Extension.InvalidExtensionState"
    assert refusal(extensions.register("", [])) == "Extension.InvalidExtensionName"
    assert refusal(extensions.register("new\nline", [])) == "Extension.InvalidExtensionName"
    assert refusal(extensions.register("thread", ["LUNCH"])) == "Extension.InvalidEventType"
    shipper.ask(Connection())
    assert refusal(shipper.ask(Connection())) == "Extension.InvalidExtensionState"


def test_after_the_runtime_is_ready_nobody_registers() -> None:
    extensions, _ = external("INVOKE")
    extensions.close_registration()
    assert refusal(extensions.register("late", ["INVOKE"])) == "Extension.RegistrationClosed"


def test_there_are_ten_at_most() -> None:
    extensions = Extensions()
    for number in range(MAX_EXTENSIONS):
        registered(extensions, f"thread-{number}")
    assert refusal(extensions.register("one more", [])) == "Extension.TooManyExtensions"


@pytest.mark.parametrize(
    ("identifier", "error_type"),
    [
        ("", "Extension.MissingHeader"),
        ("me", "Extension.InvalidExtensionIdentifier"),
        ("5979640f-afc5-4ce6-bda5-893acde3b79d", "Extension.UnknownExtensionIdentifier"),
    ],
)
def test_an_extension_is_known_by_the_identifier_that_it_was_given(identifier: str, error_type: str) -> None:
    extensions, shipper = external()
    assert extensions.find(shipper.identifier.upper()) is shipper
    assert refusal(extensions.find(identifier)) == error_type


def test_an_end_is_told_by_what_the_extension_said_of_itself() -> None:
    crashed, _ = external()
    assert crashed.exited("shipper") == "Extension.Crash"
    failed, shipper = external()
    assert failed.fail(shipper, "init", "Shipper.NoKey") is None
    assert failed.exited("shipper") == "Extension.InitError"
    assert [state.error_type for state in failed.states] == ["Shipper.NoKey"]
    gave_up, shipper = external()
    shipper.ask(Connection())
    assert gave_up.fail(shipper, "exit", "Shipper.Full") is None
    assert gave_up.exited("shipper") == "Extension.ExitError"
