"""What /etc/subuid and /etc/subgid grant: subuid(5)."""

import pytest

from stoker.linux.rootless import granted

TEXT = "alice:100000:65536\n1001:165536:65536\n\nbroken line\nalice:900000:10\n"


@pytest.mark.parametrize(
    ("user", "uid", "ids"),
    [
        ("alice", 1000, (100_000, 65_536)),
        ("1001", 1001, (165_536, 65_536)),
        ("bob", 1001, (165_536, 65_536)),
        ("carol", 1002, None),
    ],
)
def test_a_grant_is_found_by_name_or_by_number(user: str, uid: int, ids: tuple[int, int] | None) -> None:
    assert granted(TEXT, user, uid) == ids
