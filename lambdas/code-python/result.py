"""The result of main as plain JSON, or an error that says which part of it is not JSON."""

import json
import math

# A larger number is read as another one by most readers of JSON.
MAX_WHOLE = 2**53 - 1


class WrongResult(Exception):
    pass


def to_json(result, depth):
    if result is None:
        raise WrongResult("main returned nothing; it must return a dict")
    if not isinstance(result, dict):
        raise WrongResult(f"main returned a value {_named(result)}; it must return a dict")
    return _convert(result, "result", depth)


def _convert(value, path, depth):
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        if abs(value) > MAX_WHOLE:
            raise WrongResult(f"{path} is a whole number beyond 2^53, which JSON does not keep: give it as text")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise WrongResult(f"{path} is {value}, which JSON does not have")
        return float(value)
    if not isinstance(value, (dict, list, tuple)):
        raise WrongResult(f"{path} is {_named(value)}, which JSON does not have")
    if depth == 0:
        raise WrongResult("it is nested too deeply, or holds itself")
    if isinstance(value, dict):
        return {_key(key, path): _convert(item, f"{path}.{key}", depth - 1) for key, item in value.items()}
    return [_convert(item, f"{path}[{index}]", depth - 1) for index, item in enumerate(value)]


def _key(key, path):
    if isinstance(key, str):
        return str.__str__(key)
    if key is None or isinstance(key, (bool, int, float)):
        return json.dumps(key)
    raise WrongResult(f"{path} has a key that is {_named(key)}, which JSON does not have")


def _named(value):
    return f"of type {type(value).__name__}"
