"""A function whose hook fails once it is restored. Deployed by the tests of snapshots."""

from snapshot_restore_py import register_after_restore


def connect():
    raise RuntimeError("no database")


register_after_restore(connect)


def tells(event, context):
    return "restored"
