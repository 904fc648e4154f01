"""What memory of the machine environments may take."""

from stoker.environments.capacity import RESERVE_MB, spare_memory_mb
from stoker.linux.available_memory import AvailableMemory

MB = 1 << 20


def test_what_is_available_now_counts_but_for_a_reserve() -> None:
    available = [8192 * MB]
    spare_mb = spare_memory_mb(lambda: available[0])
    assert spare_mb() == 8192 - RESERVE_MB
    available[0] = 100 * MB
    assert spare_mb() < 0


def test_a_small_machine_keeps_a_tenth_back() -> None:
    assert spare_memory_mb(lambda: 1000 * MB)() == 900


def test_this_machine_says_what_it_has() -> None:
    assert -RESERVE_MB <= spare_memory_mb(AvailableMemory())() < 64 * 1024 * 1024
