"""Evaluates the hostile inputs in a process of their own; says for each, as a line of JSON, what came of it."""

import json
import resource
import time

from core.tensors import ExpressionError, evaluate
from tests.tensors.hostile import HOSTILE

MEGABYTE = 1 << 20


def peak() -> float:
    """Return the most memory that the process has had so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEGABYTE


def outcome(source: str) -> str:
    """Return what evaluating ``source`` raises, by name."""
    try:
        evaluate(source)
    except ExpressionError as error:
        fine = error.line >= 1 and 1 <= error.column < error.end_column and str(error) and error.help
        return "ExpressionError" if fine else f"ExpressionError without a place: {error.__dict__}"
    except BaseException as error:  # noqa: BLE001 - that is what is looked for
        return type(error).__name__
    return "it ran"


def main() -> None:
    """Go through all inputs; the line before an input says that it has begun."""
    evaluate("x = ones(2, requires_grad=True)\n(x * x).sum().backward()")
    memory = peak()
    for number, source in enumerate(HOSTILE):
        print(json.dumps({"begun": number}), flush=True)
        start = time.process_time()
        raised = outcome(source)
        seconds = time.process_time() - start
        print(json.dumps({"raised": raised, "seconds": seconds, "megabytes": peak() - memory}), flush=True)


if __name__ == "__main__":
    main()
