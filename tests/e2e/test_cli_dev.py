"""The first minutes with the command: a folder from a template, and a function that follows its code."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes import command_line
from fakes.live_server import LiveServer
from fakes.waiting import eventually
from stoker.cli.connection import ClientOptions, resolve
from stoker.cli.deploy import deploy_path
from stoker.cli.function_file import FunctionSettings
from stoker.cli.init import Template, init
from stoker.cli.runtimes import runtimes_here

CODE = """
def handler(event, context):
    print("{word} to", event["name"])
    return "{word}"
"""


class Development:
    """`stoker dev` in a process of its own, and what it has said so far."""

    def __init__(self, server: LiveServer, folder: Path, spoken: Path) -> None:
        self.folder = folder
        self._server = server
        self._spoken = spoken
        with spoken.open("wb") as file:
            command = [command_line.STOKER, "dev", folder]
            self.process = subprocess.Popen(
                command, env=server.env, stdout=file, stderr=subprocess.STDOUT, preexec_fn=hear_control_c
            )

    def says(self, text: str) -> None:
        eventually(lambda: text in self._spoken.read_text(), f"`stoker dev` says {text!r}")

    def count(self, text: str) -> int:
        return self._spoken.read_text().count(text)

    def write(self, word: str) -> None:
        """At once, as editors do: half a file would be a change too."""
        half = self.folder.with_name("half")
        half.write_text(CODE.format(word=word))
        half.replace(self.folder / "app.py")

    def answer(self) -> str:
        client = self._server.client("lambda")
        return str(client.invoke(FunctionName=self.folder.name, Payload=b'{"name": "Ada"}')["Payload"].read(), "utf-8")


def hear_control_c() -> None:
    """Tests that are started in the background of a shell may have inherited that it is not to be heard."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def deploy(server: LiveServer, path: Path) -> str:
    """As `stoker deploy` does, but in this process, which has loaded boto3 long ago."""
    connection = resolve(ClientOptions(endpoint=server.endpoint), server.env)
    return str(deploy_path(connection, runtimes_here(), path, FunctionSettings(), quiet=True).as_members()["name"])


@pytest.fixture
def development(live_server: LiveServer, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Development]:
    folder = tmp_path / f"dev-{request.node.name}"[:64]
    folder.mkdir()
    (folder / "app.py").write_text(CODE.format(word="Salve"))
    it = Development(live_server, folder, tmp_path / "spoken")
    it.says("Watching")
    yield it
    it.process.send_signal(signal.SIGINT)
    try:
        assert it.process.wait(timeout=60) == 0
    finally:
        it.process.kill()
    assert it.count("No longer watching") == 1 and it.count("Traceback") == 0


@pytest.mark.parametrize("template", [each for each in Template if each is not Template.THUMBNAIL])
def test_a_template_is_deployed_as_it_is_and_answers_its_event(
    live_server: LiveServer, tmp_path: Path, template: Template
) -> None:
    init(tmp_path / f"cli-init-{template}", template)
    name = deploy(live_server, tmp_path / f"cli-init-{template}")
    event = (tmp_path / name / "event.json").read_bytes()
    assert "FunctionError" not in live_server.client("lambda").invoke(FunctionName=name, Payload=event)


def test_a_saved_change_is_the_function_s_and_its_log_runs_along(development: Development) -> None:
    assert development.answer() == '"Salve"'
    development.says("Salve to Ada")
    development.write("Vale")
    development.says("updated in")
    assert development.answer() == '"Vale"'
    development.says("Vale to Ada")


def test_a_broken_file_is_said_and_the_function_goes_on_until_it_is_mended(development: Development) -> None:
    (development.folder / "app.py").write_text("def handler(:\n")
    development.says("app.py, line 1: ")
    assert development.answer() == '"Salve"'
    development.write("Mended")
    development.says("updated in")
    assert development.answer() == '"Mended"'


def test_a_new_folder_and_the_function_s_settings_are_followed(
    development: Development, live_server: LiveServer
) -> None:
    (development.folder / "lib").mkdir()
    (development.folder / "lib" / "words.py").write_text("WORD = 'one'\n")
    development.says("updated in")
    (development.folder / "function.toml").write_text("memory = 256\n")
    client, name = live_server.client("lambda"), development.folder.name
    eventually(
        lambda: client.get_function_configuration(FunctionName=name)["MemorySize"] == 256, "the settings are followed"
    )
    eventually(lambda: development.count("updated in") >= 2, "that is said")


def test_a_sample_event_arrives_as_its_source_would_send_it(live_server: LiveServer, tmp_path: Path) -> None:
    (tmp_path / "cli_sample.py").write_text("def handler(event, context):\n    return event\n")
    deploy(live_server, tmp_path / "cli_sample.py")
    answer = command_line.stoker(live_server.env, "invoke", "cli_sample", "--event", "s3-put").stdout
    assert '"eventSource": "aws:s3"' in answer


def test_a_shell_completes_the_functions_of_the_server(live_server: LiveServer, tmp_path: Path) -> None:
    (tmp_path / "cli-completed.py").write_text("def handler(event, context): ...\n")
    deploy(live_server, tmp_path / "cli-completed.py")
    typed = {"_STOKER_COMPLETE": "complete_bash", "COMP_WORDS": "stoker invoke cli-compl", "COMP_CWORD": "2"}
    # Who types waits for two seconds; a slow machine's answer may come later.
    eventually(
        lambda: command_line.stoker({**live_server.env, **typed}).stdout.split() == ["cli-completed"], "its name"
    )


def test_a_shell_that_completes_without_a_server_gets_nothing(tmp_path: Path) -> None:
    typed = {"_STOKER_COMPLETE": "complete_bash", "COMP_WORDS": "stoker invoke x", "COMP_CWORD": "2"}
    nobody = {"PATH": os.environ["PATH"], "STOKER_DATA": str(tmp_path)}
    done = command_line.stoker({**nobody, **typed})
    assert (done.stdout.strip(), done.stderr) == ("", "")
