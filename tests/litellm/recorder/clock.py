"""A virtual clock under asyncio: nothing waits, the loop jumps to its next timer, and `time.time()` follows."""

import asyncio
import concurrent.futures
import selectors

import anyio.to_thread
import time_machine

EPOCH_S = 1_767_225_600  # 2026-01-01T00:00:00Z


class _Selector(selectors.SelectSelector):
    """Polls, and when nothing is ready moves the loop's clock to its next timer."""

    loop = None

    def select(self, timeout=None):
        ready = super().select(0)
        if not ready and timeout != 0:
            if not self.loop._scheduled:
                raise RuntimeError("everybody waits and no timer is set")
            self.loop.advance(self.loop._scheduled[0]._when)
        return ready


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose time starts at 0 and passes only when everybody waits."""

    def __init__(self, traveller):
        self.now_s = 0.0
        self.traveller = traveller
        selector = _Selector()
        super().__init__(selector)
        selector.loop = self
        self._clock_resolution = 1e-9

    def time(self):
        return self.now_s

    def advance(self, when):
        if when > self.now_s:
            self.now_s = when
            self.traveller.move_to(EPOCH_S + when, tick=False)

    def run_in_executor(self, _executor, function, *args):
        return asyncio.wrap_future(_done(function, *args), loop=self)


def _done(function, *args, **kwargs):
    future = concurrent.futures.Future()
    try:
        future.set_result(function(*args, **kwargs))
    except BaseException as error:
        future.set_exception(error)
    return future


def without_threads():
    """What would run in a thread runs at once: callbacks of answers would race with the router otherwise."""
    import litellm.litellm_core_utils.thread_pool_executor as pool

    async def at_once(function, *args, **kwargs):
        kwargs.pop("abandon_on_cancel", None), kwargs.pop("cancellable", None), kwargs.pop("limiter", None)
        return function(*args, **kwargs)

    pool.executor.submit = _done
    asyncio.to_thread = at_once
    anyio.to_thread.run_sync = at_once


def travel():
    """The context in which the clock stands at the epoch."""
    return time_machine.travel(EPOCH_S, tick=False)
