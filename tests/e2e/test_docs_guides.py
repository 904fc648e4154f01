"""The how-tos' commands, run as they stand there, page by page."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes import aws_forks
from fakes.command_line import compiling
from fakes.deployment import ROLE
from fakes.live_server import LiveServer
from fakes.zips import zip_of

pytestmark = [pytest.mark.root, pytest.mark.slow]

GUIDES = Path(__file__).parents[2] / "docs" / "guides"
# A file that a page shows is named in the line before it.
_BLOCK = re.compile(r"(<!-- not run here: [^>]+-->\n|`([\w./-]+)`:\n\n)?```(\w+)\n(.*?)```", re.DOTALL)


def blocks(page: str) -> list[tuple[str, str, str, str]]:
    """What stands before a block, its file's name, its language and its text."""
    return _BLOCK.findall((GUIDES / f"{page}.md").read_text())


def steps(page: Path) -> str:
    """One script of all that a page has its reader do."""
    script = []
    for before, name, language, text in blocks(page.stem):
        if name:
            script.append(f"mkdir -p $(dirname {name})\ncat > {name} <<'END-OF-FILE'\n{text}END-OF-FILE\n")
        elif language == "sh" and not before:
            script.append(text)
    return "\n".join(script)


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for the PATH with the AWS command line, which has been loaded already."""
    folder = tmp_path_factory.mktemp("aws")
    server = [sys.executable, "-m", "fakes.aws_forks", str(folder / "socket")]
    tests = str(Path(__file__).parents[1])
    with subprocess.Popen(server, stdout=subprocess.PIPE, env=compiling({**os.environ, "PYTHONPATH": tests})) as forks:
        assert forks.stdout is not None
        assert forks.stdout.readline() == b"ready\n"
        client = folder / "aws"
        client.write_text(aws_forks.CLIENT.format(python=sys.executable, path=str(folder / "socket")))
        client.chmod(0o755)
        yield folder
        forks.kill()


RUN = [page for page in sorted(GUIDES.glob("*.md")) if steps(page)]


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_a_page_s_commands_do_what_it_says(page: Path, live_server: LiveServer, commands: Path, tmp_path: Path) -> None:
    nowhere = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_PAGER": ""}
    path = f"{commands}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-x", "-c", steps(page)],
        cwd=tmp_path,
        env={**compiling(live_server.env), **nowhere, "PATH": path},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_a_backup_of_a_running_stoker_is_one_that_another_starts_on(
    own_server: LiveServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    backup = tmp_path_factory.mktemp("backup") / "data"
    own_server.start()
    program = next(text for _, name, _, text in blocks("production") if name == "backup.py")
    functions, s3 = own_server.client("lambda"), own_server.client("s3")
    code = {"ZipFile": zip_of({"app.py": "def handler(event, context):\n    print('kept')\n    return event\n"})}
    functions.create_function(FunctionName="kept", Runtime="python3.11", Role=ROLE, Handler="app.handler", Code=code)
    functions.get_waiter("function_active_v2").wait(FunctionName="kept")
    functions.invoke(FunctionName="kept", Payload=b"1")
    s3.create_bucket(Bucket="kept")
    s3.put_object(Bucket="kept", Key="a", Body=b"bytes")
    sqs = own_server.client("sqs")
    sqs.send_message(QueueUrl=sqs.create_queue(QueueName="kept")["QueueUrl"], MessageBody="waits")
    # What asks for logs has them brought from the journal into the database.
    own_server.client("logs").describe_log_streams(logGroupName="/aws/lambda/kept")
    subprocess.run([sys.executable, "-c", program, own_server.data, backup], check=True)
    own_server.stop()
    own_server.data = backup
    own_server.start()
    assert json.load(functions.invoke(FunctionName="kept", Payload=b"2")["Payload"]) == 2
    assert s3.get_object(Bucket="kept", Key="a")["Body"].read() == b"bytes"
    url = sqs.get_queue_url(QueueName="kept")["QueueUrl"]
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "waits"
    lines = own_server.client("logs").filter_log_events(logGroupName="/aws/lambda/kept", filterPattern="kept")
    # One from before, and one from after the journal that was left behind.
    assert len(lines["events"]) == 2
