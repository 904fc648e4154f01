import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stoker.observability.journal import Journal, JournalFullError, JournalSize, Position

Open = Callable[..., Journal]
SMALL = JournalSize(segment_bytes=4096, max_segments=4, reserved_segments=1, spare_segments=1)
START = Position()
LARGE = JournalSize(segment_bytes=1 << 20)


@pytest.fixture
def open_journal(tmp_path: Path) -> Iterator[Open]:
    """Opens a journal in one directory, after closing the one before it."""
    opened: list[Journal] = []

    def open_(after: Position = START, size: JournalSize = SMALL) -> Journal:
        if opened:
            opened.pop().close()
        opened.append(Journal(tmp_path, after=after, size=size))
        return opened[-1]

    yield open_
    opened.pop().close()


def fill(journal: Journal, *, essential: bool) -> int:
    """Append until nothing more is taken; how many were."""
    taken = 0
    while journal.append(b"x" * 1000, essential=essential):
        taken += 1
        spares_ready(journal)
    return taken


def spares_ready(journal: Journal) -> None:
    for spare in journal._spares:
        spare.exception(10)


def read_all(journal: Journal, start: Position = START) -> list[bytes]:
    return journal.read(start, 10_000, 1 << 30)[0]


def test_what_was_appended_is_read_in_order(open_journal: Open) -> None:
    journal = open_journal()
    for number in range(10):
        journal.append(b"%d" % number, essential=False)
    assert read_all(journal) == [b"%d" % number for number in range(10)]


def test_reading_goes_on_where_it_stopped_across_segments(open_journal: Open) -> None:
    journal = open_journal()
    for number in range(8):
        journal.append(b"%d" % number * 1000, essential=True)
        spares_ready(journal)
    seen, place = [], Position()
    while chunk := journal.read(place, 3, 1 << 30):
        payloads, place = chunk
        if not payloads:
            break
        seen += [payload[:1] for payload in payloads]
    assert seen == [b"%d" % number for number in range(8)]
    assert journal.end.segment > 1


def test_one_reading_takes_no_more_memory_than_it_may(open_journal: Open) -> None:
    journal = open_journal()
    for number in range(3):
        journal.append(b"%d" % number * 500, essential=True)
    first, place = journal.read(Position(), 10_000, 900)
    assert [payload[:1] for payload in first] == [b"0", b"1"]
    assert len(journal.read(place, 10_000, 1)[0]) == 1


def test_the_next_start_finds_everything_and_continues_behind_it(open_journal: Open, tmp_path: Path) -> None:
    first = open_journal()
    first.append(b"a", essential=False)
    second = open_journal()
    second.append(b"b", essential=False)
    assert read_all(second) == [b"a", b"b"]


def test_what_was_read_before_is_not_read_again(open_journal: Open) -> None:
    first = open_journal()
    first.append(b"a", essential=False)
    _, position = first.read(Position(), 1, 1 << 30)
    first.append(b"b", essential=False)
    assert read_all(open_journal(after=position), position) == [b"b"]


@pytest.mark.parametrize("damage", [b"\xff", b"\x00\x00\x00\x00"])
def test_a_torn_record_ends_its_segment(open_journal: Open, tmp_path: Path, damage: bytes) -> None:
    journal = open_journal()
    journal.append(b"whole", essential=False)
    torn_at = journal.end.offset
    journal.append(b"torn record", essential=False)
    with next(iter(sorted(tmp_path.glob("*.journal")))).open("r+b") as file:
        file.seek(torn_at + (0 if len(damage) > 1 else 12))
        file.write(damage)
    assert read_all(open_journal()) == [b"whole"]


def test_a_file_that_a_killed_process_had_just_made_is_no_record(open_journal: Open, tmp_path: Path) -> None:
    (tmp_path / "000000000001.journal").write_bytes(b"")
    (tmp_path / "000000000002.journal").write_bytes(b"\0" * 4096)
    assert read_all(open_journal()) == []


def test_lines_are_refused_before_the_reserve_for_the_ledger_is_touched(open_journal: Open) -> None:
    journal = open_journal()
    assert fill(journal, essential=False) == 3 * 4
    assert journal.append(b"row", essential=True)


def test_a_full_journal_never_takes_what_it_could_not_keep(open_journal: Open) -> None:
    journal = open_journal()
    with pytest.raises(JournalFullError, match="4 of 4 segments"):
        fill(journal, essential=True)
    assert len(read_all(journal)) == 4 * 4


def test_lines_are_taken_again_once_the_reader_has_caught_up(open_journal: Open, tmp_path: Path) -> None:
    journal = open_journal()
    fill(journal, essential=False)
    _, position = journal.read(Position(), 10_000, 1 << 30)
    journal.release(position)
    assert journal.append(b"x" * 1000, essential=False)
    assert read_all(journal, position) == [b"x" * 1000]


def test_a_full_disk_is_an_error_and_not_a_signal(open_journal: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = open_journal(size=LARGE)
    spares_ready(journal)

    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", no_room)
    with pytest.raises(JournalFullError, match="No space left"):
        while True:
            journal.append(b"x" * 500_000, essential=True)
            spares_ready(journal)


def test_a_reader_may_look_in_the_moment_in_which_a_segment_is_added(open_journal: Open) -> None:
    journal = open_journal()
    seen: list[list[bytes]] = []

    class Watched(dict):  # type: ignore[type-arg]
        def __setitem__(self, key: object, value: object) -> None:
            seen.append(read_all(journal))
            super().__setitem__(key, value)

    journal._segments = Watched(journal._segments)
    spares_ready(journal)
    for number in range(5):
        journal.append(b"%d" % number * 1000, essential=True)
    assert [text[:1] for text in seen[0]] == [b"0", b"1", b"2", b"3"]


def test_an_append_finds_its_pages_ready(open_journal: Open) -> None:
    journal = open_journal(size=LARGE)
    faults = appended = 0
    while appended < (1 << 20) - 4096:
        journal._preparer.submit(int).result()
        before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
        journal.append(b"x" * 4000, essential=True)
        faults += resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before
        appended += 4008
    assert journal.end.segment == 1
    # Each of 256 pages would be one; an odd one is the interpreter's.
    assert faults < 64


def test_disk_is_taken_ahead_so_that_an_append_cannot_run_out_of_it(open_journal: Open, tmp_path: Path) -> None:
    open_journal(size=LARGE)
    status = next(tmp_path.glob("*.journal")).stat()
    assert status.st_blocks * 512 >= 1 << 20


def test_every_acknowledged_record_outlives_kill_9(open_journal: Open, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from stoker.observability.journal import Journal, JournalSize, Position\n"
        "journal, number = Journal(Path(sys.argv[1]), after=Position(), size=JournalSize(segment_bytes=1 << 20)), 0\n"
        "while True:\n"
        "    number += 1\n"
        "    journal.append(b'%d' % number, essential=True)\n"
        "    print(number, flush=True)\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    acknowledged = [int(writer.stdout.readline()) for _ in range(500)]
    writer.kill()
    acknowledged += [int(line) for line in writer.communicate()[0].splitlines(True) if line.endswith("\n")]
    kept = [int(payload) for payload in open_journal(size=LARGE).read(Position(), 10_000_000, 1 << 30)[0]]
    assert kept[: len(acknowledged)] == acknowledged
