"""What a reader of the live picture is told."""

from types import SimpleNamespace
from typing import Any

from fakes.loop import on_loop
from stoker.console.aws_models import ApiError
from stoker.console.pages.environments import PART, Picture
from stoker.console.sight import Sight
from stoker.environments.feed import ColdStart, EnvironmentView, Feed


class FakeEnvironment:
    def __init__(self, number: int, function: str) -> None:
        self.number = number
        self.function = function

    def view(self) -> EnvironmentView:
        return EnvironmentView(
            number=self.number,
            region="us-east-1",
            function=self.function,
            version="$LATEST",
            kind="on-demand",
            from_template=False,
            state="frozen",
            since=0.0,
        )


class FakeAws:
    """Lets one see all functions but those called `secret`."""

    region = "us-east-1"

    def __init__(self) -> None:
        self.asked = 0

    async def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        self.asked += 1
        if params["FunctionName"] == "secret":
            raise ApiError("AccessDeniedException", "no", 403)
        return {}


def start(number: int, function: str) -> ColdStart:
    return ColdStart(
        number=number, region="us-east-1", function=function, version="1", kind="on-demand", from_template=False,
        began=0.0, phases=(), failed=False,
    )  # fmt: skip


@on_loop
async def test_all_that_may_be_seen_is_told_in_parts_and_whose_they_are_asked_once() -> None:
    many = 2 * PART + 1
    environments = [FakeEnvironment(number, "secret" if number % 2 else "open") for number in range(2 * many)]
    feed, aws = Feed(), FakeAws()
    for number in range(10_000):
        feed.started(start(number, "open"))
    fleet: Any = SimpleNamespace(feed=feed, environments=environments, templates=SimpleNamespace(views=[]))
    told, kinds = set(), []
    events = Picture(fleet, Sight(aws), "").events()  # type: ignore[arg-type]
    async for kind, value in events:
        kinds.append(kind)
        if kind == "picture":
            assert len(value["environments"]) <= PART
            told |= {view.number for view in value["environments"]}
        elif kind == "present":
            assert told == set(value) == set(range(0, 2 * many, 2))
        elif kind == "starts":
            assert [each.number for each in value] == list(range(9_970, 10_000))
            break
    assert kinds == ["picture"] * 5 + ["present", "starts"]
    assert aws.asked == 2
    await events.aclose()  # type: ignore[attr-defined]
    assert not feed.watched
