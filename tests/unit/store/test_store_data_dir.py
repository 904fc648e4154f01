import os
import subprocess
import sys
from pathlib import Path

import pytest

from stoker.store.data_dir import DataDirectory, DataDirectoryInUseError


def test_a_second_stoker_on_the_same_directory_is_told_who_has_it(tmp_path: Path) -> None:
    with DataDirectory.open(tmp_path), pytest.raises(DataDirectoryInUseError, match=f"process {os.getpid()}.*--data"):
        DataDirectory.open(tmp_path)


def test_a_released_directory_can_be_taken_again(tmp_path: Path) -> None:
    DataDirectory.open(tmp_path).close()
    DataDirectory.open(tmp_path).close()


def test_a_killed_stoker_holds_nothing(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from stoker.store.data_dir import DataDirectory\n"
        "held = DataDirectory.open(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(DataDirectoryInUseError):
            DataDirectory.open(tmp_path)
    finally:
        holder.kill()
        holder.communicate()
    DataDirectory.open(tmp_path).close()


@pytest.mark.parametrize("made_before", [True, False])
def test_others_cannot_look_into_a_new_data_directory(tmp_path: Path, made_before: bool) -> None:
    if made_before:
        (tmp_path / "data").mkdir(mode=0o755)
    with DataDirectory.open(tmp_path / "data") as directory:
        assert directory.root.stat().st_mode & 0o077 == 0


def test_a_directory_that_others_use_too_stays_open_to_them(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "somebody's").touch()
    with DataDirectory.open(tmp_path):
        assert tmp_path.stat().st_mode & 0o777 == 0o755
