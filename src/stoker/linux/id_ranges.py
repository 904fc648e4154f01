"""Which ids a user namespace has to give away, decided from the texts of its maps (user_namespaces(7))."""

# Two for each of as many sandboxes as one machine may have; fewer than that would run out at some time.
ENOUGH = 32_000
# That no account has: systemd's and adduser's ranges end below.
_FIRST_ON_MACHINE = 1_879_048_192
# The kernel's id for all that it cannot map, and many systems' nobody: what has it may be anybody's.
_OVERFLOW_ID = 65_534
_ALL_IDS = (0, 0, (1 << 32) - 1)


def spare(uid_map: str, gid_map: str) -> range | None:
    """`ENOUGH` ids that are mapped as users and as groups and belong to nobody; None where there are none."""
    if _lines(uid_map) == _lines(gid_map) == [_ALL_IDS]:
        return range(_FIRST_ON_MACHINE, _FIRST_ON_MACHINE + ENOUGH)
    both = [
        range(max(users.start, groups.start), min(users.stop, groups.stop))
        for users in _usable(uid_map)
        for groups in _usable(gid_map)
    ]
    longest = max(both, key=len, default=range(0))
    # From the top: in a container the lower ones are its accounts'.
    return longest[-ENOUGH:] if len(longest) >= ENOUGH else None


def _usable(map_text: str) -> list[range]:
    found = []
    for inside, _, count in _lines(map_text):
        found += [range(max(1, inside), min(inside + count, _OVERFLOW_ID))]
        found += [range(max(_OVERFLOW_ID + 1, inside), inside + count)]
    return found


def _lines(map_text: str) -> list[tuple[int, int, int]]:
    rows = [[int(word) for word in line.split()] for line in map_text.splitlines()]
    return [(inside, outside, count) for inside, outside, count in rows]
