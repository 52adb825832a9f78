"""The process of one call: started with nothing of this one's environment, watched, and killed with all it has started.
What its end means is decided in end.py; it sets its own limits (child.py)."""

import json
import os
import secrets
import selectors
import signal
import subprocess
import sys
import time

from family import adopt_orphans, descendants, resident_mb

CHILD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "child.py")
PRINTED_KEPT_CHARS = 4_096
# Beside the result an answer contains a token and a few words.
ANSWER_EXTRA_BYTES = 16 * 1_024
WATCH_SECONDS = 0.05
CHUNK_BYTES = 64 * 1_024
# Killing is done within milliseconds, unless somebody starts processes as fast as they can.
KILL_SECONDS = 5


def run_child(job, directory):
    """Returns {answer?, stopped?, status, printed}: the line in which the child reported the result, or why there is none."""
    adopt_orphans()
    token = secrets.token_hex(16)
    reader, writer = os.pipe()
    child = start(directory, writer)
    os.close(writer)
    call = Call(token, job["limits"])
    try:
        send(child, {**job, "token": token})
        call.watch(child, reader)
    finally:
        end_all(child)
        os.close(reader)
        child.stdout.close()
    return {**call.exit, "status": describe_status(child.returncode), "printed": call.printed}


def start(directory, writer):
    libraries = os.environ.get("LD_LIBRARY_PATH")
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": directory,
        "TMPDIR": directory,
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        # Where Lambda's own Python finds its libraries; nothing else is passed on.
        **({"LD_LIBRARY_PATH": libraries} if libraries else {}),
    }
    return subprocess.Popen(
        # Isolated: without variables, packages and files of whoever runs this.
        [sys.executable, "-I", "-S", "-B", "-X", "utf8", CHILD, str(writer)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=(writer,),
        cwd=directory,
        env=environment,
        # A group of its own, to be killed as a whole.
        start_new_session=True,
    )


def send(child, job):
    try:
        child.stdin.write(json.dumps(job).encode() + b"\n")
        child.stdin.close()
    except BrokenPipeError:
        pass  # It is gone before it has read its job; its status says so.


class Call:
    """What has come from the child so far."""

    def __init__(self, token, limits):
        self.token = token.encode()
        self.limits = limits
        self.exit = {}
        self.received = b""
        self.tail = b""
        self.printed_bytes = 0

    @property
    def printed(self):
        return self.tail.decode("utf-8", "replace")[-PRINTED_KEPT_CHARS:]

    def watch(self, child, reader):
        deadline = time.monotonic() + self.limits["timeoutMs"] / 1_000
        with selectors.DefaultSelector() as selector:
            selector.register(reader, selectors.EVENT_READ, self.collect_answer)
            selector.register(child.stdout, selectors.EVENT_READ, self.collect_printed)
            while not self.exit and selector.get_map():
                has_ended = child.poll() is not None
                ready = selector.select(0 if has_ended else WATCH_SECONDS)
                for key, _ in ready:
                    chunk = os.read(key.fd, CHUNK_BYTES)
                    key.data(chunk)
                    if not chunk:
                        selector.unregister(key.fileobj)
                # A process that it has started may keep the pipes open for ever.
                if has_ended and not ready:
                    return
                self.bound(deadline)

    def bound(self, deadline):
        if "answer" in self.exit:
            return
        if time.monotonic() > deadline:
            self.exit["stopped"] = "timed-out"
        elif resident_mb() > self.limits["memoryMb"]:
            self.exit["stopped"] = "out-of-memory"

    def collect_printed(self, chunk):
        self.printed_bytes += len(chunk)
        self.tail = (self.tail + chunk)[-4 * PRINTED_KEPT_CHARS :]
        if self.printed_bytes > self.limits["printedBytes"]:
            self.exit.setdefault("stopped", "printed-too-much")

    def collect_answer(self, chunk):
        """Lines without the token are not the child's: the code may have found the descriptor, but not what to write."""
        self.received += chunk
        if len(self.received) > self.limits["resultBytes"] + ANSWER_EXTRA_BYTES:
            self.exit.setdefault("stopped", "answered-too-much")
        if b"\n" not in chunk:
            return
        *lines, self.received = self.received.split(b"\n")
        for line in lines:
            if line.startswith(self.token):
                self.exit.setdefault("answer", line[len(self.token) :].decode("ascii", "replace"))


def end_all(child):
    """Nothing that the call has started outlives it, whatever session or parent it has given itself."""
    deadline = time.monotonic() + KILL_SECONDS
    kill(-child.pid)
    child.wait()
    while True:
        kill(-child.pid)
        left = descendants()
        for pid in left:
            kill(pid)
        reap()
        if not left:
            return
        if time.monotonic() > deadline:
            # The parent of this process ends what is left of it, and starts another one for the next call.
            os._exit(1)
        time.sleep(0.001)


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def describe_status(returncode):
    if returncode >= 0:
        return f"exit status {returncode}"
    try:
        return f"signal {signal.Signals(-returncode).name}"
    except ValueError:
        return f"signal {-returncode}"
