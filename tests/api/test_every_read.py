"""Every read operation of every service, with one of everything there to be read.

The tables are `reads/*.json`. `make` are the requests that make something: [operation, params, what to keep of the
answer by name (JMESPath)]. `read` are those that read: [operation, params, what is in the answer: JMESPath to a value,
or to a list that holds it]. An operation of which the model says how it is paged is walked with the smallest page;
`pages` says how for others, `token_only` where a token replaces the parameters, `least` where the smallest page is not
one, `whole` which have one page here, `eventually` what takes its time, `elsewhere` what another test reads,
each with the reason.
"""

import base64
import itertools
import json
import re
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import jmespath
import pytest
from botocore.exceptions import ClientError, ParamValidationError
from botocore.loaders import Loader
from botocore.paginate import Paginator
from botocore.response import StreamingBody

from fakes.live_server import LiveServer, free_port
from fakes.served import PACKAGES, operations_of, service_of
from fakes.shapes import misfits
from fakes.waiting import eventually_none
from fakes.world import World

READS = ("BatchGet", "Describe", "Get", "Head", "List")
# In the order in which the tables are worked through: what stands later refers to what is there.
ORDER = (
    "iam",
    "sts",
    "logs",
    "sqs",
    "sns",
    "kinesis",
    "dynamodb",
    "dynamodbstreams",
    "lambda_",
    "s3",
    "s3control",
    "events",
    "scheduler",
    "cloudwatch",
    "apigateway",
    "apigatewayv2",
    "apigatewaymanagementapi",
)
TABLES: dict[str, Any] = {
    package: json.loads((Path(__file__).parent / "reads" / f"{package}.json").read_text()) for package in ORDER
}

# Members that clients hand back as they got them, name a version by, or put into a header.
_MADE_UP = re.compile("(?i)token|marker|position|iterator|handle|pointer|exclusivestart|qualifier|^Response")


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


HOSTILE = [
    "9" * 20,
    encoded("9" * 20),
    encoded(f"[{'9' * 20}]"),
    encoded("[" * 5_000),
    encoded('["\\ud800"]'),
    "\u2028",
    "a\r\nb: c",
]
"""Numbers beyond all numbers, documents without end, half a character, and what no header can hold."""


class Service:
    """A service with its client, its operations and how they are paged."""

    def __init__(self, server: LiveServer, package: str) -> None:
        service = service_of(package)
        self.client = server.client(service.name)
        self.operations = {each.name: each for each in operations_of(service)}
        loader = Loader()
        has_pages = service.name in loader.list_available_services("paginators-1")
        self.pages = loader.load_service_model(service.name, "paginators-1")["pagination"] if has_pages else {}
        self.pages = {**self.pages, **TABLES[package].get("pages", {})}
        self.token_only = TABLES[package].get("token_only", {})

    def call(self, operation: str, params: dict[str, Any]) -> Any:
        answer = self.client._make_api_call(operation, params)
        for name, each in answer.items():
            if isinstance(each, StreamingBody):
                answer[name] = each.read()
        return answer

    def walked(self, operation: str, params: dict[str, Any], size: int | None) -> tuple[list[list[str]], int]:
        """What all pages of a size hold, one list for each of the members that are paged; and how many they were."""

        def asked(**page: Any) -> Any:
            token = self.pages[operation]["input_token"]
            alone = operation in self.token_only and token in page
            return self.call(operation, {name: page[name] for name in page if not alone or name not in params})

        paginator = Paginator(asked, self.pages[operation], self.operations[operation])
        pages = paginator.paginate(**params, PaginationConfig={} if size is None else {"PageSize": size})
        found: list[list[str]] = [[] for _ in pages.result_keys]
        count = 0
        for page in pages:
            count += 1
            for seen, key in zip(found, pages.result_keys, strict=True):
                value = key.search(page)
                if isinstance(value, list):
                    seen += [json.dumps(each, default=str, sort_keys=True) for each in value]
        return found, count


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, dict[str, Service]]]:
    """Everything that the tables make, on a server where nothing else happens."""
    server = LiveServer(data=tmp_path_factory.mktemp("reads"), port=free_port())
    server.start()
    made = World(time.time())
    services = {package: Service(server, package) for package in ORDER}
    for package in ORDER:
        for operation, params, *keep in TABLES[package].get("make", []):
            made.keep(keep[0] if keep else {}, services[package].call(operation, made.filled(params)))
    yield made, services
    server.stop()
    assert "ERROR stoker.front_door" not in server.log(), server.log()


def is_in(expected: Any, found: Any) -> bool:
    return expected in found if isinstance(found, list) and not isinstance(expected, list) else bool(expected == found)


def read(made: World, service: Service, operation: str, params: Any, holds: Any, keep: Any) -> list[Any]:
    """What is wrong with what an operation answers."""
    try:
        answer = service.call(operation, made.filled(params))
        wrong: list[Any] = list(misfits(service.operations[operation].output_shape, answer))
    except ClientError as error:
        answer = error.response
        wrong = [] if "Error.Code" in holds else [answer["Error"]]
    for path, expected in {} if wrong else holds.items():
        if not is_in(made.filled(expected), found := jmespath.search(path, answer)):
            wrong.append((path, expected, found))
    if not wrong:
        made.keep(keep, answer)
    return [(operation, params, each) for each in wrong]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_read_shows_what_was_made(world: tuple[World, dict[str, Service]], package: str) -> None:
    made, services = world
    service, table = services[package], TABLES[package]
    wrong: list[Any] = []
    for operation, params, *rest in table["read"]:
        holds, keep = [*rest, {}, {}][:2]
        if operation in table.get("eventually", {}):
            look = partial(read, made, service, operation, params, holds, keep)
            eventually_none(look, f"a fault in what {operation} answers")
        else:
            wrong += read(made, service, operation, params, holds, keep)
    swept = {operation for operation, *_ in table["read"]} | table.get("elsewhere", {}).keys()
    reads = {name for name in service.operations if name.startswith(READS)}
    assert not wrong, "\n".join(map(str, wrong))
    assert swept >= reads, f"no row for {sorted(reads - swept)}"


def differences(service: Service, operation: str, params: dict[str, Any], size: int) -> Any:
    """What small pages hold and a large one does not, or the other way round, while nothing changes by itself."""
    for _ in range(20):
        whole, _ = service.walked(operation, params, None)
        pieces, count = service.walked(operation, params, size)
        if service.walked(operation, params, None)[0] == whole:
            break
    same = [sorted(each) for each in whole] == [sorted(each) for each in pieces]
    return None if same and count > 1 else (operation, count, whole, pieces)


@pytest.mark.parametrize("package", PACKAGES)
def test_small_pages_hold_what_one_large_page_holds(world: tuple[World, dict[str, Service]], package: str) -> None:
    made, services = world
    service, table = services[package], TABLES[package]
    rows = {operation: params for operation, params, *_ in reversed(table["read"])}
    walked = {
        operation: params
        for operation, params in rows.items()
        if "limit_key" in service.pages.get(operation, {}) and operation not in table.get("whole", {})
    }
    found = [
        differences(service, operation, made.filled(params), table.get("least", {}).get(operation, 1))
        for operation, params in walked.items()
    ]
    wrong = [each for each in found if each is not None]
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.parametrize("package", PACKAGES)
def test_no_token_and_no_number_makes_a_read_fail(world: tuple[World, dict[str, Service]], package: str) -> None:
    made, services = world
    service = services[package]
    rows = {operation: made.filled(params) for operation, params, *_ in reversed(TABLES[package]["read"])}
    failed = []
    for operation, params in rows.items():
        shape = service.operations[operation].input_shape
        members = shape.members.items() if shape is not None else ()
        names = [name for name, member in members if member.type_name == "string" and _MADE_UP.search(name)]
        for name, text in itertools.product(names, HOSTILE):
            try:
                service.call(operation, {**params, name: text})
            except ParamValidationError:
                continue
            except ClientError as error:
                status = error.response["ResponseMetadata"]["HTTPStatusCode"]
                if status >= 500 and status != 501:
                    failed.append((operation, name, text[:40], error.response["Error"]))
    assert not failed, "\n".join(map(str, failed))
