"""Logs Insights with the clients that everybody has, over what functions wrote."""

import base64
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fakes.deployment import Deployment
from fakes.live_server import LiveServer
from fakes.waiting import eventually

pytestmark = pytest.mark.root

AWS = Path(sys.executable).with_name("aws")
# What it writes is somebody else's: JSON that is deeper than any stack, and lines that look like the platform's.
HANDLER = r"""
    import json
    def handler(event, context):
        print(json.dumps({"level": "ERROR", "who": event.get("who"), "nested": {"n": [1, 2]}}))
        if event.get("hostile"):
            print('{"a":' * 50_000)
            print("REPORT RequestId: " + "f" * 100_000)
            print('{"level": "\\ud800", "n": 1e999999, "big": ' + "9" * 4_000 + "}")
            print("a" * 50_000 + "!")
"""


@pytest.fixture
def query(live_server: LiveServer) -> Callable[..., list[dict[str, str]]]:
    """Runs a query over a function's log to its end."""
    logs = live_server.client("logs")

    def ask(name: str, text: str) -> list[dict[str, str]]:
        now = int(time.time())
        started = logs.start_query(
            logGroupName=f"/aws/lambda/{name}", startTime=now - 600, endTime=now + 60, queryString=text
        )

        def ended() -> Any:
            answer = logs.get_query_results(queryId=started["queryId"])
            return answer if answer["status"] not in ("Scheduled", "Running") else None

        answer = eventually(ended, "the query ends")
        assert answer["status"] == "Complete", live_server.log()[-2000:]
        return [{each["field"]: each["value"] for each in row} for row in answer["results"]]

    return ask


def test_what_functions_wrote_and_used_is_asked_for(
    live_server: LiveServer, lambda_client: Any, query: Callable[..., list[dict[str, str]]]
) -> None:
    deployment = Deployment(lambda_client)
    name = deployment.deploy(HANDLER, MemorySize=256)
    replies = [deployment.invoke(name, {"who": who}) for who in ("bob", "bob", "alice")]
    (used,) = query(
        name,
        'filter @type = "REPORT" | stats count(*) as c, max(@memorySize / 1000 / 1000) as mb, '
        "count(@initDuration) as cold, max(@duration) as slowest, count_distinct(@requestId) as ids",
    )
    assert (used["c"], used["mb"], used["cold"], used["ids"]) == ("3", "256", "1", "3")
    assert float(used["slowest"]) == max(float(reply.report["Duration"].split()[0]) for reply in replies)
    told = query(name, "filter level = 'ERROR' | stats count(*) as c by who | sort c desc")
    assert told == [{"who": "bob", "c": "2"}, {"who": "alice", "c": "1"}]
    (found,) = query(name, "filter who = 'alice' | fields @timestamp, nested.n.1 as n, @logStream | limit 1")
    assert found["n"] == "2" and "[$LATEST]" in found["@logStream"] and found["@ptr"]


def test_the_aws_cli_starts_queries_and_reads_results(live_server: LiveServer, lambda_client: Any) -> None:
    deployment = Deployment(lambda_client)
    name = deployment.deploy(HANDLER)
    deployment.invoke(name, {"who": "cli"})

    def aws(*words: str) -> Any:
        done = subprocess.run(
            [AWS, "logs", *words, "--output", "json"], env=live_server.env, capture_output=True, text=True, check=True
        )
        return json.loads(done.stdout)

    now = str(int(time.time()) + 60)
    text = "fields who | filter ispresent(who) | limit 5"
    group = f"/aws/lambda/{name}"
    started = aws(
        "start-query", "--log-group-name", group, "--start-time", "0", "--end-time", now, "--query-string", text
    )

    def complete() -> Any:
        answer = aws("get-query-results", "--query-id", started["queryId"])
        return answer if answer["status"] == "Complete" else None

    answer = eventually(complete, "the query ends")
    assert answer["results"][0][0] == {"field": "who", "value": "cli"}


def test_no_line_of_a_function_breaks_a_query(
    live_server: LiveServer, lambda_client: Any, query: Callable[..., list[dict[str, str]]]
) -> None:
    deployment = Deployment(lambda_client)
    name = deployment.deploy(HANDLER)
    assert deployment.invoke(name, {"hostile": True}).error is None
    found = query(name, "fields a.a.a, level, n, @duration | sort n desc, @duration, level | limit 100")
    assert len(found) == len(query(name, "fields @message | limit 100")) >= 8
    figures = "sum(n), avg(n), pct(n, 50), stddev(n), sum(big * big), max(datefloor(n, 1h)), latest(level), min(big)"
    (counted,) = query(name, f"stats count(*), {figures}, avg(@duration), count_distinct(@message)")
    assert int(counted["count(*)"]) == len(found)
    logs, now = live_server.client("logs"), int(time.time())
    trap = logs.start_query(
        logGroupName=f"/aws/lambda/{name}",
        startTime=0,
        endTime=now + 60,
        queryString="filter @message like /^(a|aa)+$/ | limit 1",
    )["queryId"]
    status = lambda: logs.get_query_results(queryId=trap)["status"]  # noqa: E731
    eventually(lambda: status() == "Timeout", "the trap is over")
    # Meanwhile, and after it, all goes on.
    assert deployment.invoke(name, {}).error is None


def test_a_role_queries_the_groups_that_it_may_read(live_server: LiveServer, lambda_client: Any) -> None:
    iam = live_server.client("iam")
    iam.create_user(UserName="insights-reader")
    key = iam.create_access_key(UserName="insights-reader")["AccessKey"]
    may = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "logs:StartQuery", "Resource": "arn:aws:logs:*:*:log-group:insights-open:*"},
            {"Effect": "Allow", "Action": "logs:GetQueryResults", "Resource": "*"},
        ],
    }
    iam.put_user_policy(UserName="insights-reader", PolicyName="p", PolicyDocument=json.dumps(may))
    logs = live_server.client("logs", access_key=key["AccessKeyId"], secret_key=key["SecretAccessKey"])
    for group in ("insights-open", "insights-closed"):
        live_server.client("logs").create_log_group(logGroupName=group)
    span = {"startTime": 0, "endTime": 1, "queryString": "limit 1"}
    started = logs.start_query(logGroupName="insights-open", **span)
    assert logs.get_query_results(queryId=started["queryId"])["status"] in ("Scheduled", "Running", "Complete")
    for groups in ({"logGroupName": "insights-closed"}, {"logGroupNames": ["insights-open", "insights-closed"]}):
        with pytest.raises(ClientError, match="AccessDenied"):
            logs.start_query(**groups, **span)
    with pytest.raises(ClientError, match="AccessDenied"):
        logs.describe_queries()
    pointer = base64.b64encode(json.dumps(["000000000000:insights-closed", 1, 1]).encode()).decode()
    with pytest.raises(ClientError, match="AccessDenied"):
        logs.get_log_record(logRecordPointer=pointer)
