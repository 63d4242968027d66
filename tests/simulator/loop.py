"""An event loop whose time is made up: it stands while anything can run, then jumps to what is next.

It carries many processes on one thread. A process can be killed (nothing of it runs any more), and frozen (what is due
waits on its shelf, as under SIGSTOP). A call that a process hands to a thread runs here in one piece, but wherever it
asks something of the outside it may let the others go on (`run_others`), so threads interleave, too. Equal decisions
of whoever draws the delays give equal runs, step by step.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextvars import Context, ContextVar, copy_context
from functools import partial
from heapq import heappop, heappush
from typing import Any, TypeVar, TypeVarTuple

__all__ = ["PROCESS", "Killed", "Loop", "Process"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
NESTED_MAX = 12
"""Calls that may stand still inside one another, so that the stack stays small."""


class Killed(BaseException):
    """Raised where a process is killed in the middle of a call: nothing behind it is done."""


class Process:
    """What a machine knows of a worker: whether it lives, until when it is frozen, and its threads."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.frozen_until = 0.0
        self.shelf: list[Moment] = []
        self.lanes: dict[object, Lane] = {}
        self.tasks: list[asyncio.Task[Any]] = []

    def __str__(self) -> str:
        return self.name


PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)


class Moment(asyncio.TimerHandle):
    """Something to do, whose it is, and when."""

    def __init__(
        self, when: float, loop: "Loop", context: Context, callback: Any, args: Sequence[Any]
    ) -> None:
        super().__init__(when, callback, args, loop, context)
        self.act: Callable[[], object] = lambda: context.run(callback, *args)
        self.process = context.get(PROCESS)


class Lane:
    """A thread of a process: its calls one after the other, each begun and answered a little later."""

    def __init__(self, loop: "Loop", process: Process) -> None:
        self._loop = loop
        self._process = process
        self._waiting: deque[tuple[Callable[[], Any], asyncio.Future[Any]]] = deque()
        self._busy = False

    def submit(self, call: Callable[[], Any], future: asyncio.Future[Any]) -> None:
        """Take a call in."""
        self._waiting.append((call, future))
        if not self._busy:
            self._busy = True
            self._loop.call_later(self._loop.delay(), self._next)

    def _next(self) -> None:
        call, future = self._waiting.popleft()
        try:
            answer, error = call(), None
        except Killed:
            return
        except Exception as raised:
            answer, error = None, raised
        self._loop.call_later(self._loop.delay(), self._settle, future, answer, error)

    def _settle(self, future: asyncio.Future[Any], answer: Any, error: Exception | None) -> None:
        self._busy = bool(self._waiting)
        if self._busy:
            self._loop.call_later(self._loop.delay(), self._next)
        if not future.done():
            if error is None:
                future.set_result(answer)
            else:
                future.set_exception(error)


class Loop(asyncio.BaseEventLoop):
    """The loop. `delay` draws how long a message is on its way, in seconds."""

    def __init__(self, delay: Callable[[], float]) -> None:
        super().__init__()
        self.delay = delay
        self.now = 0.0
        self.errors: list[BaseException] = []
        self._soon: deque[Moment] = deque()
        self._later: list[tuple[float, int, Moment]] = []
        self._count = 0
        self._depth = 0

    # -- what asyncio asks of a loop ---------------------------------------------------------------------------------

    def time(self) -> float:
        """Tell the made-up time in seconds."""
        return self.now

    def get_debug(self) -> bool:
        """Say no: asyncio shall not watch us."""
        return False

    def is_closed(self) -> bool:
        """Say yes: there is nothing left to close."""
        return True

    def call_soon(
        self,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.Handle:
        """Do something behind all that is ready."""
        moment = Moment(
            self.now, self, copy_context() if context is None else context, callback, args
        )
        self._soon.append(moment)
        return moment

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Do something at a time."""
        moment = Moment(when, self, copy_context() if context is None else context, callback, args)
        self._count += 1
        heappush(self._later, (when, self._count, moment))
        return moment

    def call_later(
        self,
        delay: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Do something after a while."""
        return self.call_at(self.now + delay, callback, *args, context=context)

    def create_future(self) -> asyncio.Future[Any]:
        """Make a future of this loop."""
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: Any = None, context: Any = None) -> asyncio.Task[Any]:
        """Start a coroutine as a task of the process that starts it."""
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, name=name, context=context)
        process = PROCESS.get() if context is None else context.get(PROCESS)
        if process is not None:
            process.tasks.append(task)
        return task

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Hand a call to the thread that stands for an executor."""
        process = PROCESS.get()
        assert process is not None, "only processes have threads"
        if executor not in process.lanes:
            process.lanes[executor] = Lane(self, process)
        future: asyncio.Future[T] = self.create_future()
        process.lanes[executor].submit(partial(func, *args), future)
        return future

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Keep errors that nobody waits for; tasks that end with their killed process are none."""
        error = context.get("exception")
        if error is not None and not isinstance(error, Killed):
            self.errors.append(error)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Leave it where it is: it is passed over when it is due."""

    # -- running -----------------------------------------------------------------------------------------------------

    def step(self, until: float) -> bool:
        """Do the next thing that is due by then; tell whether there was one."""
        if self._soon:
            moment = self._soon.popleft()
        elif self._later and self._later[0][0] <= until:
            when, _, moment = heappop(self._later)
            self.now = max(self.now, when)
        else:
            return False
        process = moment.process
        if moment.cancelled() or (process is not None and not process.alive):
            return True
        if process is not None and process.frozen_until > self.now:
            process.shelf.append(moment)
        else:
            moment.act()
        return True

    def run_until(self, until: float) -> None:
        """Do all that is due by a time, and let it be that time."""
        while self.step(until):
            pass
        self.now = max(self.now, until)

    def run_others(self, seconds: float) -> None:
        """Let everything else go on for a while, in the middle of a call."""
        if self._depth < NESTED_MAX:
            self._depth += 1
            try:
                self.run_until(self.now + seconds)
            finally:
                self._depth -= 1

    def freeze(self, process: Process, seconds: float) -> None:
        """Freeze a process for a while; then what was due meanwhile is done, in its order."""
        process.frozen_until = max(process.frozen_until, self.now + seconds)
        self.call_at(process.frozen_until, self._thaw, process, context=Context())

    def _thaw(self, process: Process) -> None:
        if process.frozen_until <= self.now:
            process.shelf, due = [], process.shelf
            self._soon.extend(due)

    def kill(self, process: Process) -> None:
        """Kill a process: nothing of it runs any more."""
        process.alive = False
        process.shelf.clear()
