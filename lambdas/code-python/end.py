"""What the end of the process means for the call."""

import json

MESSAGE_CHARS = 2_000


def read_end(exit, limits):
    end = _parse_answer(exit["answer"]) if "answer" in exit else None
    if end and end["kind"] == "returned":
        return end
    end = end or _explain_exit(exit, limits)
    printed = {"printed": exit["printed"]} if exit["printed"] else {}
    return {**end, "message": end["message"][:MESSAGE_CHARS], **printed}


def _parse_answer(answer):
    try:
        return json.loads(answer)
    except ValueError:
        return None


def _explain_exit(exit, limits):
    reasons = {
        "timed-out": ("timed-out", "main did not return in time"),
        "out-of-memory": ("out-of-memory", "the memory is used up"),
        "printed-too-much": ("too-large", f"it printed more than {limits['printedBytes']} bytes"),
        "answered-too-much": ("too-large", f"its result has more than {limits['resultBytes']} bytes"),
    }
    reason, message = reasons.get(exit.get("stopped"), ("exited", exit["status"]))
    return {"kind": "failed", "reason": reason, "message": message}
