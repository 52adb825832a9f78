"""The processes that come from this one, directly or not. Only Linux shows them; elsewhere the list is empty."""

import ctypes
import os
import sys

IS_LINUX = sys.platform.startswith("linux")
# https://man7.org/linux/man-pages/man2/prctl.2.html
PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans():
    """A process whose parent has ended becomes a child of this one, instead of escaping to the init process."""
    if IS_LINUX:
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants():
    parents = {pid: parent for pid, (parent, _) in _processes()}
    found = {os.getpid()}
    while True:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        if not more:
            return found - {os.getpid()}
        found |= more


def resident_mb():
    """The memory of all descendants."""
    wanted = descendants()
    pages = sum(resident for pid, (_, resident) in _processes() if pid in wanted)
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_048_576


def _processes():
    if not IS_LINUX:
        return
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                stat = file.read()
        except OSError:
            continue  # It has ended meanwhile.
        # The name of the program, in parentheses, may contain anything: state, parent, … and, 22nd, resident pages follow it.
        fields = stat[stat.rindex(b")") + 2 :].split()
        yield int(name), (int(fields[1]), int(fields[21]))
