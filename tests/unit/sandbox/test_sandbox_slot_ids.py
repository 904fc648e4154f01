"""The ids of sandboxes."""

from pathlib import Path

from stoker.sandbox.slot_ids import MAX_SLOTS, IdPlan


def plan(tmp_path: Path, maps: str) -> IdPlan:
    for name in ("uid_map", "gid_map"):
        (tmp_path / name).write_text(maps)
    return IdPlan.of_this_process(tmp_path)


def test_no_two_sandboxes_share_an_id(tmp_path: Path) -> None:
    ids = [plan(tmp_path, "0 1000 1\n1 100000 65536\n").of(index) for index in (0, 1, MAX_SLOTS - 1)]
    outside = [number for each in ids for number in (each.outside_uid, each.outside_init_uid)]
    assert len(set(outside)) == len(outside)
    assert all(1 <= number < 65_534 for number in outside)
    assert not any(each.keep_groups for each in ids)


def test_process_1_is_somebody_else_than_the_function(tmp_path: Path) -> None:
    ids = plan(tmp_path, "0 0 4294967295\n").of(7)
    assert ids.map == [(0, ids.outside_init_uid, 1), (993, ids.outside_uid, 1)]


def test_where_there_is_but_one_id_all_have_it_and_groups_cannot_be_dropped(tmp_path: Path) -> None:
    ids = plan(tmp_path, "0 1000 1\n").of(7)
    assert ids.map == [(993, 0, 1)]
    assert ids.keep_groups
