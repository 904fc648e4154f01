"""What a function's process may say to the Runtime API, and when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.model.invocation import Invocation
from stoker.runtime_api.session import MAX_RESPONSE_BYTES, Answer, Delivery, Phase, Refusal, Session


class Connection:
    def __init__(self) -> None:
        self.sent: list[Delivery] = []

    def send_event(self, delivery: Delivery) -> None:
        self.sent.append(delivery)


def event(request_id: str = "r-1") -> Delivery:
    return Delivery(
        invocation=Invocation(request_id=request_id, payload=b"{}", invoked_arn="arn:aws:lambda:x"), deadline_ms=1
    )


def running(request_id: str = "r-1") -> Session:
    session = Session()
    session.next(Connection())
    session.offer(event(request_id))
    return session


def test_an_event_goes_to_the_connection_that_asked() -> None:
    session, asker = Session(), Connection()
    assert session.next(asker) is None
    assert session.offer(event()) is asker
    assert session.phase is Phase.RUNNING


def test_an_event_that_comes_before_the_process_asks_is_held_for_it() -> None:
    session = running()
    session.respond("r-1", b"1")
    assert session.offer(event("r-2")) is None
    assert session.next(Connection()) == event("r-2")


def test_a_response_is_the_answer() -> None:
    assert running().respond("r-1", b'{"a": 1}') == Answer(payload=b'{"a": 1}')


def test_a_response_with_the_wish_for_more_is_both() -> None:
    session, asker = running(), Connection()
    assert session.respond_and_ask("r-1", b"1", asker) == Answer(payload=b"1")
    assert session.respond_and_ask("r-1", b"2", asker) is None
    assert session.offer(event("r-2")) is asker
    assert session.respond_and_ask("r-1", b"1", asker) is None
    assert session.respond_and_ask("r-2", b"x" * (MAX_RESPONSE_BYTES + 1), asker) is None
    assert session.respond("r-2", b"2") == Answer(payload=b"2")


def test_an_error_keeps_its_type_and_body() -> None:
    assert running().fail("r-1", "ValueError", b"{}") == Answer(payload=b"{}", error_type="ValueError")


@pytest.mark.parametrize("name", ["", "two words", "a\nREPORT", "x" * 200, "1st"])
def test_an_error_type_that_is_no_name_is_not_taken_into_the_report(name: str) -> None:
    answer = running().fail("r-1", name, b"{}")
    assert isinstance(answer, Answer)
    assert answer.error_type == "Runtime.Unknown"


def test_an_answer_for_another_request_is_refused_and_leaves_the_invocation_running() -> None:
    session = running()
    refusal = session.respond("r-2", b"1")
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.error_type, refusal.answer) == (400, "InvalidRequestID", None)
    assert session.respond("r-1", b"1") == Answer(payload=b"1")


def test_a_second_answer_is_refused() -> None:
    session = running()
    session.respond("r-1", b"1")
    refusal = session.respond("r-1", b"2")
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.error_type) == (403, "InvalidStateTransition")


def test_an_answer_before_any_next_is_refused() -> None:
    refusal = Session().respond("r-1", b"1")
    assert isinstance(refusal, Refusal)
    assert refusal.status == 403


def test_a_next_before_the_answer_is_refused() -> None:
    refusal = running().next(Connection())
    assert isinstance(refusal, Refusal)
    assert refusal.status == 403


def test_two_connections_cannot_both_wait() -> None:
    session = Session()
    session.next(Connection())
    assert isinstance(session.next(Connection()), Refusal)


def test_a_waiting_connection_that_goes_away_gets_nothing_and_another_may_ask() -> None:
    session, gone, other = Session(), Connection(), Connection()
    session.next(gone)
    session.withdraw(gone)
    assert session.offer(event()) is None
    assert session.next(other) == event()


def test_a_process_that_could_not_start_is_not_asked_again() -> None:
    session = Session()
    assert session.fail_init("Runtime.ImportModuleError", b"{}") == Answer(
        payload=b"{}", error_type="Runtime.ImportModuleError"
    )
    assert isinstance(session.next(Connection()), Refusal)


def test_an_init_error_after_the_init_is_refused() -> None:
    assert isinstance(running().fail_init("X", b"{}"), Refusal)


def test_the_largest_response_passes_and_one_byte_more_fails_the_invocation() -> None:
    assert isinstance(running().respond("r-1", b"x" * MAX_RESPONSE_BYTES), Answer)
    refusal = running().respond("r-1", b"x" * (MAX_RESPONSE_BYTES + 1))
    assert isinstance(refusal, Refusal)
    assert refusal.status == 413
    assert refusal.answer is not None
    assert refusal.answer.error_type == "Function.ResponseSizeTooLarge"
    assert b"Response payload size exceeded maximum allowed payload size (6291556 bytes)." in refusal.answer.payload


def test_an_oversized_answer_to_nothing_is_only_refused() -> None:
    assert Session().overflow(None).answer is None


words = st.lists(
    st.sampled_from(["next", "respond", "respond_and_ask", "fail", "fail_init", "withdraw", "offer", "overflow"]),
    max_size=30,
)


@given(words)
def test_no_order_of_words_answers_an_invocation_twice(said: list[str]) -> None:
    session, asker, offered, answered = Session(), Connection(), 0, 0
    for word in said:
        request_id = f"r-{offered}"
        if word == "offer" and offered == answered:  # an environment runs one at a time
            offered += 1
            session.offer(event(f"r-{offered}"))
        elif word in ("next", "withdraw"):
            getattr(session, word)(asker)
        elif word == "overflow":
            answered += session.overflow(request_id).answer is not None
        elif word == "respond":
            answered += isinstance(session.respond(request_id, b""), Answer)
        elif word == "respond_and_ask":
            answered += session.respond_and_ask(request_id, b"", asker) is not None
        elif word == "fail":
            answered += isinstance(session.fail(request_id, "E", b""), Answer)
        assert answered <= offered
