"""Which ids sandboxes may have, from the maps of user namespaces."""

from stoker.linux.id_ranges import ENOUGH, spare

MACHINE = "         0          0 4294967295\n"
ALONE = "         0       1000          1\n"
GRANTED = "         0       1000          1\n         1     100000      65536\n"
CONTAINER = "         0     100000      65536\n"


def test_on_the_machine_itself_they_are_beyond_every_account_s() -> None:
    assert spare(MACHINE, MACHINE) == range(1_879_048_192, 1_879_048_192 + ENOUGH)


def test_a_user_with_nothing_but_itself_has_none() -> None:
    assert spare(ALONE, ALONE) is None


def test_a_grant_of_users_is_nothing_without_one_of_groups() -> None:
    assert spare(GRANTED, ALONE) is None
    assert spare(GRANTED, GRANTED) is not None


def test_a_container_s_own_accounts_and_nobody_are_left_alone() -> None:
    ids = spare(CONTAINER, CONTAINER)
    assert ids is not None
    assert len(ids) == ENOUGH
    assert min(ids) > 30_000
    assert 65_534 not in ids


def test_a_range_that_would_run_out_is_not_begun() -> None:
    assert spare("0 1000 1\n1 100000 1000\n", "0 1000 1\n1 100000 1000\n") is None
