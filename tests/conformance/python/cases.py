"""Runs named cases one after another and writes one JSON line for each: what scripts/conformance reads."""

import json
import os
import re
from pathlib import Path
from urllib.request import Request, urlopen


def environment(name):
    """A setting from scripts/conformance."""
    if name not in os.environ:
        raise SystemExit(f"{name} is not set: start this through scripts/conformance")
    return os.environ[name]


def case(name):
    """Runs the decorated function at once; the case passes if it returns. The name then means its answer."""

    def run(check):
        try:
            value = check()
        except Exception as error:  # pylint: disable=broad-except
            record({"name": name, "passed": False, "detail": one_line(error)})
            return None
        record({"name": name, "passed": True})
        return value

    return run


def record(line):
    """Appends one result."""
    with Path(environment("CONFORMANCE_RESULTS")).open("a", encoding="utf-8") as results:
        results.write(json.dumps(line) + "\n")


def one_line(error):
    """An error in a few words."""
    return re.sub(r"\s+", " ", f"{type(error).__name__}: {error}")[:400]


def equal(actual, expected):
    """Fails with both values where they differ."""
    if actual != expected:
        raise AssertionError(f"expected {expected!r}, got {actual!r}")


def is_true(condition, what=""):
    """Fails with what was found where the condition does not hold; holds under `python -O` too."""
    if not condition:
        raise AssertionError(f"does not hold: {what!r}")


def raises(kind, call):
    """The error, of this kind, that a call ends with."""
    try:
        answer = call()
    except kind as error:
        return error
    raise AssertionError(f"expected {kind.__name__}, got {answer!r}")


def emulator(path, body=None):
    """Turns a knob of the emulated organisation."""
    request = Request(
        f"{environment('ORG_URL')}/emulator/{path}",
        data=json.dumps(body or {}).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    with urlopen(request) as answer:
        return answer.read()
