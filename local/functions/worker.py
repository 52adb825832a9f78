"""The process of one execution environment: loads the handler, then runs one invocation at a time. Invocations come in
lines on descriptor 3, what became of them goes out in lines on descriptor 4 (protocol.ts)."""

import importlib.util
import json
import os
import sys
import time
import traceback

from closed_ports import close_ports


class Context:
    def __init__(self, request_id, deadline_ms):
        self.aws_request_id = request_id
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = "$LATEST"
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self._deadline_ms = deadline_ms

    def get_remaining_time_in_millis(self):
        return max(0, int(self._deadline_ms - time.time() * 1_000))


def load(file, name):
    sys.path.insert(0, os.path.dirname(file))
    spec = importlib.util.spec_from_file_location("handler", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)


def invoke(handler, invocation):
    request_id = invocation["requestId"]
    try:
        answer = handler(json.loads(invocation["payload"]), Context(request_id, invocation["deadlineMs"]))
        return {"type": "answer", "requestId": request_id, "payload": json.dumps(answer)}
    except Exception as error:
        return {"type": "failure", "requestId": request_id, "error": describe_error(error)}


def describe_error(error):
    trace = traceback.format_tb(error.__traceback__)
    return {"errorType": type(error).__name__, "errorMessage": str(error), "trace": trace}


def main():
    invocations, answers = os.fdopen(3, "rb"), os.fdopen(4, "wb")
    for stream in (invocations, answers):
        os.set_inheritable(stream.fileno(), False)

    def send(message):
        answers.write(json.dumps(message).encode() + b"\n")
        answers.flush()

    close_ports({int(port) for port in os.environ.get("ERRAND_OWN_PORTS", "").split(",") if port})
    try:
        handler = load(sys.argv[1], sys.argv[2])
    except Exception as error:
        send({"type": "initFailed", "error": describe_error(error)})
        return
    send({"type": "ready"})
    for line in invocations:
        send(invoke(handler, json.loads(line)))


main()
