"""Which ids the processes of a sandbox have, in its user namespace and in Stoker's own."""

from dataclasses import dataclass
from pathlib import Path

from stoker.bootstrap.rootfs import UID
from stoker.linux import id_ranges

# Process 1 and the function.
IDS_PER_SLOT = 2
MAX_SLOTS = id_ranges.ENOUGH // IDS_PER_SLOT
INIT_UID = 0


@dataclass(frozen=True, kw_only=True)
class SlotIds:
    """The ids of one slot: `uid` is the function's and `init_uid` process 1's, and what those are outside.

    `keep_groups`: the kernel forbids setgroups, since the user namespace has no ids but its maker's.
    """

    uid: int
    init_uid: int
    outside_uid: int
    outside_init_uid: int
    keep_groups: bool

    @property
    def map(self) -> list[tuple[int, int, int]]:
        """The lines of the slot's id map."""
        return sorted({(self.init_uid, self.outside_init_uid, 1), (self.uid, self.outside_uid, 1)})


# Where there are no others, every process of every sandbox has the id of Stoker's own user.
SHARED = SlotIds(uid=UID, init_uid=UID, outside_uid=0, outside_init_uid=0, keep_groups=True)


@dataclass(frozen=True, kw_only=True)
class IdPlan:
    """How slots come by their ids; `spare` is None where there are none to give away."""

    spare: range | None

    @classmethod
    def of_this_process(cls, proc: Path = Path("/proc/self")) -> "IdPlan":
        """The plan for the user namespace that this process is in."""
        return cls(spare=id_ranges.spare((proc / "uid_map").read_text(), (proc / "gid_map").read_text()))

    def of(self, index: int) -> SlotIds:
        """The ids of the slot with this number, which is below MAX_SLOTS."""
        if self.spare is None:
            return SHARED
        init, function = self.spare[IDS_PER_SLOT * index], self.spare[IDS_PER_SLOT * index + 1]
        return SlotIds(uid=UID, init_uid=INIT_UID, outside_uid=function, outside_init_uid=init, keep_groups=False)
