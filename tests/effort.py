"""Effort of a call, as a number that a busy machine does not change."""

import sys


def lines_run(function, *arguments, **named):
    """Return how many lines of Python a call executes, each as often as it is executed."""
    n = 0

    def count(frame, event, argument):
        nonlocal n
        n += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        function(*arguments, **named)
    finally:
        sys.settrace(before)
    return n
