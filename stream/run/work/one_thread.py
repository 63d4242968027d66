"""An executor of one thread that does not outlive its process."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, ParamSpec, TypeVar

__all__ = ["OneThread"]

P = ParamSpec("P")
T = TypeVar("T")


class OneThread(Executor):
    """Makes calls one after the other, on a thread that begins with the first.

    The standard library's executor waits at the end of the process for the call that it makes, however long that
    takes; here the process ends in the middle of it.
    """

    def __init__(self, name: str) -> None:
        self._lock = Lock()
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._over = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Make a call behind those that wait.

        Raises:
            RuntimeError: after `shutdown`.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._over:
                raise RuntimeError(f"{self._thread.name} takes no more calls")
            self._calls.put((future, lambda: fn(*args, **kwargs)))
            if self._thread.ident is None:
                self._thread.start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls, and wait for those that are taken or cancel those that have not begun, as is asked."""
        with self._lock:
            self._over = True
            with suppress(Empty):
                while cancel_futures:
                    waiting = self._calls.get_nowait()
                    if waiting is not None:
                        waiting[0].cancel()
            self._calls.put(None)
        if wait and self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while (waiting := self._calls.get()) is not None:
            _make(*waiting)
            del waiting  # or what it holds would stay until the next call


def _make(future: Future[Any], call: Callable[[], Any]) -> None:
    if future.set_running_or_notify_cancel():
        try:
            answer = call()
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(answer)
