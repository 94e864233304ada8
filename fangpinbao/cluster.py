"""Runs tasks over spans of years on the workers of a Dask client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["run_spans"]

_Result = TypeVar("_Result")


def run_spans(
    client: Any,
    task: Callable[[Any, tuple[int, int]], _Result],
    recipe: Any,
    spans: list[tuple[int, int]],
    add: Callable[[_Result, int], None],
    progress: Callable[[float], None] | None,
) -> None:
    """Run a task for spans of years on a client's workers, and take in the results as they come.

    Parameters
    ----------
    client
        A ``dask.distributed.Client``.
    task
        A function of the recipe, which is sent to each worker once, and of a span.
    spans
        First and last year (excluded) of each task.
    add
        Called with each result and the first year of its span.
    """
    from dask.distributed import as_completed

    shared = client.scatter(recipe, broadcast=True, hash=False)
    futures = {client.submit(task, shared, span, pure=False): span for span in spans}
    done = 0
    try:
        for future in as_completed(list(futures)):  # type: ignore[no-untyped-call]
            add(future.result(), futures[future][0])
            future.release()
            done += 1
            if progress is not None:
                progress(done / len(spans))
    except BaseException:
        client.cancel(list(futures))
        raise
