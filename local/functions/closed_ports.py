"""Keeps this process, and every program that it starts, from connecting to the ports that the platform keeps to itself.
Linux enforces it (Landlock, since 6.7); elsewhere the stand-ins for AWS still want a secret that no code has."""

import ctypes
import sys

# https://docs.kernel.org/userspace-api/landlock.html
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
ACCESS_NET_CONNECT_TCP = 1 << 1
RULE_NET_PORT = 2
NET_SINCE_ABI = 4
VERSION = 1
# https://man7.org/linux/man-pages/man2/prctl.2.html
PR_SET_NO_NEW_PRIVS = 38


class Ruleset(ctypes.Structure):
    _fields_ = [("fs", ctypes.c_uint64), ("net", ctypes.c_uint64)]


class PortRule(ctypes.Structure):
    _fields_ = [("allowed", ctypes.c_uint64), ("port", ctypes.c_uint64)]


def close_ports(ports):
    if ports and not _restrict(ports):
        sys.stderr.write("This system cannot keep Python code away from the platform's own ports (Linux 6.7 can)\n")


def _restrict(ports):
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None)
    if libc.syscall(CREATE_RULESET, None, 0, VERSION) < NET_SINCE_ABI:
        return False
    ruleset = Ruleset(0, ACCESS_NET_CONNECT_TCP)
    rules = libc.syscall(CREATE_RULESET, ctypes.byref(ruleset), ctypes.c_size_t(ctypes.sizeof(ruleset)), 0)
    if rules < 0:
        return False
    rule = PortRule(ACCESS_NET_CONNECT_TCP, 0)
    reference, add = ctypes.byref(rule), libc.syscall
    # What is not allowed is denied, so every other port is allowed, one by one. It takes a few tenths of a second, once.
    for port in range(1, 65_536):
        if port not in ports:
            rule.port = port
            if add(ADD_RULE, rules, RULE_NET_PORT, reference, 0) != 0:
                return False
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    return libc.syscall(RESTRICT_SELF, rules, 0) == 0
