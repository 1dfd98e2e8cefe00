"""Keeping foreign code to itself: no voice on standard output, no network, no shared seeds."""

import os
import random
import sys


def take_channels():
    """Return private streams (in, out) on standard input and output, and give the method empty ones.

    Foreign code prints as it likes, from Python or C, and may read: nothing of that may touch the protocol. What
    it prints goes to standard error.
    """
    heard = os.fdopen(os.dup(0), "r", encoding="utf-8")
    said = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    nothing = os.open(os.devnull, os.O_RDONLY)
    sys.stdout.flush()
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdin = os.fdopen(os.dup(0), "r")
    sys.stdout = sys.stderr
    return heard, said


def cut_network():
    """Take the network away: an empty kernel namespace where the system grants one, refused sockets everywhere.

    Returns "namespace" or "python"; must run before the first thread starts.
    """
    import socket

    def refuse(*args, **kwargs):
        raise OSError("a dgbench worker has no network; give it every file it needs")

    socket.socket.connect = refuse
    socket.socket.connect_ex = refuse
    socket.create_connection = refuse
    socket.getaddrinfo = refuse
    if not sys.platform.startswith("linux"):
        return "python"
    import ctypes

    user, group = os.getuid(), os.getgid()
    new_user, new_net = 0x10000000, 0x40000000
    try:
        if ctypes.CDLL(None, use_errno=True).unshare(new_user | new_net) != 0:
            return "python"
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{user} {user} 1"),
            ("gid_map", f"{group} {group} 1"),
        ):
            with open("/proc/self/" + name, "w") as handle:
                handle.write(text)
    except (OSError, AttributeError):
        return "python"
    return "namespace"


def import_paths(worker):
    """Let the checkout's folders be imported from, and no more of dgbench's than is imported already.

    Taken away are this package's folder and that of the worker's script. Nothing else below ``baselines`` is: the
    method's own environment may lie there.
    """
    ours = {os.path.dirname(os.path.dirname(os.path.abspath(__file__))), os.path.dirname(os.path.abspath(sys.argv[0]))}
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") not in ours]
    for folder in reversed(worker.paths):
        sys.path.insert(0, os.path.join(os.path.abspath(worker.repo), folder))


def settle(seed):
    """Seed every global generator that foreign code may draw from, so that pairs do not depend on each other."""
    random.seed(seed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(seed % (1 << 32))
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


def be_deterministic():
    """Choose reproducible kernels, where the method uses torch."""
    if "torch" in sys.modules:
        backends = sys.modules["torch"].backends
        backends.cudnn.benchmark = False
        backends.cudnn.deterministic = True
        backends.cudnn.allow_tf32 = False
        backends.cuda.matmul.allow_tf32 = False
