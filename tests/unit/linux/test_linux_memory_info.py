import os
from pathlib import Path

import pytest

from stoker.linux import memory_info


def test_a_process_is_charged_its_share_of_what_it_shares(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/smaps_rollup").write_text("5500-7ffe [rollup]\nRss:  900 kB\nPss:  300 kB\nPss_Dirty:  100 kB\n")
    assert memory_info.proportional_bytes(7, tmp_path) == 300 * 1024


def test_this_very_process_has_some_memory_and_so_has_the_machine() -> None:
    assert 1 << 20 < memory_info.proportional_bytes(os.getpid()) < memory_info.available_bytes()


def test_a_process_that_has_ended_is_said_to_be_gone(tmp_path: Path) -> None:
    with pytest.raises(memory_info.ProcessGoneError, match="7/smaps_rollup"):
        memory_info.proportional_bytes(7, tmp_path)
