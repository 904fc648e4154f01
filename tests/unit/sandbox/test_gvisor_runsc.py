import signal
from pathlib import Path

import pytest

from stoker.sandbox.driver import ExitStatus, SandboxError
from stoker.sandbox.gvisor_driver import function_status
from stoker.sandbox.gvisor_runsc import Runsc, choose_platform


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [(["kvm", "ptrace"], "ptrace"), (["kvm", "ptrace", "systrap"], "systrap"), (["systrap"], "systrap")],
)
def test_the_best_platform_without_hardware_is_taken(offered: list[str], chosen: str) -> None:
    assert choose_platform(offered, None) == chosen


def test_a_platform_that_was_asked_for_is_taken() -> None:
    assert choose_platform(["kvm", "ptrace"], "kvm") == "kvm"


def test_a_platform_that_is_not_offered_is_refused_with_those_that_are() -> None:
    with pytest.raises(SandboxError, match="no platform systrap; it offers kvm, ptrace"):
        choose_platform(["kvm", "ptrace"], "systrap")


def test_without_runsc_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError, match="apt install runsc"):
        Runsc.find()


def test_the_platform_and_the_bundle_are_on_the_command_line() -> None:
    runsc = Runsc(program=Path("/usr/bin/runsc"), platform="ptrace")
    command = runsc.command(bundle=Path("/b"), state=Path("/s"), name="one")
    assert command[0] == "/usr/bin/runsc"
    assert {"--platform=ptrace", "--root=/s", "--bundle=/b"} <= set(command)
    assert command[-1] == "one"


@pytest.mark.parametrize(
    ("runsc", "function"),
    [
        (ExitStatus(code=0), ExitStatus(code=0)),
        (ExitStatus(code=127), ExitStatus(code=127)),
        (ExitStatus(code=128), ExitStatus(code=128)),
        (ExitStatus(code=137), ExitStatus(signal=signal.SIGKILL)),
        (ExitStatus(code=139), ExitStatus(signal=signal.SIGSEGV)),
        (ExitStatus(code=255), ExitStatus(code=255)),
        (ExitStatus(signal=9), ExitStatus(signal=9)),
        (ExitStatus(code=128, out_of_memory=True), ExitStatus(signal=signal.SIGKILL, out_of_memory=True)),
    ],
)
def test_a_shell_s_way_of_telling_signals_is_understood(runsc: ExitStatus, function: ExitStatus) -> None:
    assert function_status(runsc) == function
