"""The process of one call: bounds itself, calls main of the code and writes the result as one line to a descriptor
of its own, so that nothing the code prints can pass for a result. process.py watches and ends it."""

import ctypes
import json
import os
import resource
import signal
import sys
import traceback
import types

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from result import WrongResult, to_json  # noqa: E402

del sys.path[0], sys.modules["result"]

FILE = "main.py"
MB = 1_048_576
FILE_BYTES = 64 * MB
# What Python has mapped before it has done anything; the memory in use is watched from outside.
OWN_MB = 64
MAX_PROCESSES = 64
# https://man7.org/linux/man-pages/man2/prctl.2.html
PR_SET_PDEATHSIG = 1


def bound(limits):
    cpu_seconds = 2 * -(-limits["timeoutMs"] // 1_000) + 5
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, FILE_BYTES)
    _limit(resource.RLIMIT_DATA, (limits["memoryMb"] + OWN_MB) * MB)
    # If the process that watches is killed, nothing runs for ever.
    _limit(resource.RLIMIT_CPU, cpu_seconds)
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        _limit(resource.RLIMIT_NPROC, count_threads() + MAX_PROCESSES)


def _limit(which, value):
    try:
        resource.setrlimit(which, (value, value))
    except (ValueError, OSError):
        pass  # Less is allowed already, or the system does not know this limit.


def count_threads():
    """The limit counts what the user runs beside this, too. Of programs in directories that others own, none is seen."""
    count, user = 0, os.getuid()
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and os.stat(f"/proc/{name}").st_uid == user:
                count += len(os.listdir(f"/proc/{name}/task"))
        except OSError:
            continue  # It has ended meanwhile.
    return count


def call(source, args, limits):
    module = types.ModuleType("main")
    module.__file__ = FILE
    # Classes look up the module that they are defined in.
    sys.modules["main"] = module
    try:
        exec(compile(source, FILE, "exec", dont_inherit=True), module.__dict__)
    except SyntaxError as error:
        place = {"line": error.lineno, "column": error.offset} if error.filename == FILE else {}
        return failed("not-loaded", f"{type(error).__name__}: {error.msg}", **place)
    except BaseException as error:
        end = from_thrown(error)
        return {**end, "reason": "not-loaded"} if end["reason"] == "threw" else end
    main = getattr(module, "main", None)
    if not callable(main):
        return failed("no-main", "it must hold `def main(**args): …`")
    try:
        return from_returned(finish(main(**args)), limits)
    except WrongResult as error:
        return failed("wrong-result", str(error))
    except BaseException as error:
        return from_thrown(error)


def finish(result):
    if not isinstance(result, types.CoroutineType):
        return result
    import asyncio

    return asyncio.run(result)


def from_returned(result, limits):
    plain = to_json(result, limits["resultDepth"])
    size = len(json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))
    if size > limits["resultBytes"]:
        return failed("too-large", f"its result has {size} bytes; at most {limits['resultBytes']} are allowed")
    return {"kind": "returned", "result": plain}


def failed(reason, message, line=None, column=None):
    end = {"kind": "failed", "reason": reason, "message": message}
    # Only a whole number above 0 is a position.
    places = {"line": line, "column": column}
    return {**end, **{key: value for key, value in places.items() if isinstance(value, int) and value > 0}}


def from_thrown(error):
    if isinstance(error, MemoryError):
        return failed("out-of-memory", "MemoryError", line=find_line(error))
    if isinstance(error, SystemExit):
        return failed("exited", f"sys.exit({error.code!r})", line=find_line(error))
    try:
        message = "".join(traceback.format_exception_only(type(error), error)).strip()
    except BaseException:
        message = type(error).__name__
    return failed("threw", message, line=find_line(error))


def find_line(error):
    """The innermost line of the code itself."""
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == FILE]
    return lines[-1] if lines else None


def write_end(end, token, descriptor):
    for stream in (sys.__stdout__, sys.__stderr__):
        try:
            stream.flush()
        except BaseException:
            pass  # The code has closed it.
    line = f"{token}{json.dumps(end, separators=(',', ':'))}\n".encode()
    while line:
        line = line[os.write(descriptor, line) :]
    # Threads and exit handlers of the code have had their time.
    os._exit(0)


def run():
    descriptor, own = int(sys.argv[1]), os.getpid()
    job = json.loads(sys.stdin.buffer.readline())
    sys.argv = [FILE]
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    bound(job["limits"])
    end = call(job["source"], job["args"], job["limits"])
    if os.getpid() != own:
        # A copy that the code has forked and that came back from main, too.
        os._exit(0)
    write_end(end, job["token"], descriptor)


run()
