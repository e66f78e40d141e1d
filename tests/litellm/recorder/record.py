"""Records what the real LiteLLM Router does: attempts, cool-downs, pauses, ends, and its draws at random."""

import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # no network
os.environ["TZ"] = "UTC"  # some strategies use local minutes

import asyncio
import copy
import datetime
import logging
import random
import sys
import time

time.tzset()

import litellm
from litellm import Router
from litellm.router_utils.cooldown_cache import CooldownCache
from litellm.utils import Rules, custom_llm_setup, function_setup

import clock
from provider import Sim

VERSION = "1.106.2"
HELLO = [{"role": "user", "content": "hi"}]
_LISTS = [f"{sync}{kind}_callback" for sync in ("", "_async_") for kind in ("success", "failure", "input")] + ["callbacks"]

clock.without_threads()
litellm.suppress_debug_info = True
for _name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy", "asyncio"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)


class Recorder:
    """What is recorded of the run in hand; `None` between runs."""

    current = None

    def __init__(self, loop):
        self.loop = loop
        self.attempts, self.cooldowns, self.sleeps, self.tape = [], [], [], []

    def now(self):
        return round(self.loop.time(), 9)

    def attempt(self, deployment, answer, streams):
        row = {"t": self.now(), "deployment": deployment, **answer}
        if streams:
            row["stream"] = True
            row.pop("total_tokens", None)
        self.attempts.append(row)


def _listen():
    """The router's own functions, with somebody who listens."""
    cool, pause = CooldownCache.add_deployment_to_cooldown, Router._time_to_sleep_before_retry

    def cooled(self, model_id, original_exception, exception_status, cooldown_time):
        r = Recorder.current
        seconds = self.default_cooldown_time if cooldown_time is None else cooldown_time
        if r:
            row = {"t": r.now(), "deployment": model_id, "status": int(exception_status), "cooldown_s": seconds}
            r.cooldowns.append(row)
        return cool(
            self,
            model_id=model_id,
            original_exception=original_exception,
            exception_status=exception_status,
            cooldown_time=cooldown_time,
        )

    def paused(self, *args, **kwargs):
        seconds = pause(self, *args, **kwargs)
        if r := Recorder.current:
            r.sleeps.append({"t": r.now(), "sleep_s": seconds})
        return seconds

    CooldownCache.add_deployment_to_cooldown = cooled
    Router._time_to_sleep_before_retry = paused

    real = {name: getattr(random, name) for name in ("choice", "choices", "sample", "random")}

    def tape():
        """The tape, if the router draws and not somebody else."""
        frame = sys._getframe(2)
        module = frame.f_globals.get("__name__", "")
        router = module.startswith("litellm.router")
        pause_of_a_retry = module == "litellm.utils" and "retry_after" in frame.f_code.co_name
        return Recorder.current.tape if Recorder.current and (router or pause_of_a_retry) else None

    def choice(of):
        picked = real["choice"](of)
        if (t := tape()) is not None:
            t.append({"fn": "choice", "n": len(of), "candidates": [_id(x) for x in of], "picked": _id(picked)})
        return picked

    def choices(population, weights=None, **kwargs):
        t, state = tape(), random.getstate()
        u = real["random"]()
        random.setstate(state)
        picked = real["choices"](population, weights, **kwargs)
        if t is not None:
            of = [_id(x) for x in population]
            t.append({"fn": "choices", "candidates": of, "weights": list(weights), "u": u, "picked": _id(picked[0])})
        return picked

    def sample(population, k, **kwargs):
        t, order = tape(), real["sample"](population, k, **kwargs)
        if t is not None:
            t.append({"fn": "sample", "population": [_id(x) for x in population], "order": [_id(x) for x in order]})
        return order

    def uniform():
        t, u = tape(), real["random"]()
        if t is not None:
            t.append({"fn": "random", "u": u, "use": "retry jitter (x 0.75 s)"})
        return u

    random.choice, random.choices, random.sample, random.random = choice, choices, sample, uniform


def _id(x):
    """The id of a deployment in whatever shape a strategy draws it."""
    if isinstance(x, tuple):
        x = x[0]
    return x["model_info"]["id"] if isinstance(x, dict) else str(x)


_listen()


async def _request(recorder, router, request, proxy):
    """Sends a request and says how it ended."""
    row = {"i": request["i"], "t": request["t"], "group": request["group"]}
    if request.get("kwargs"):
        row["kwargs"] = request["kwargs"]
    kwargs = copy.deepcopy(request.get("kwargs") or {})
    kwargs.setdefault("metadata", {})
    streams = kwargs.get("stream", False)
    if proxy:
        # the proxy makes one logging object per request, which serves all of its attempts
        kwargs["litellm_call_id"] = f"request-{request['i']}"
        kwargs["litellm_logging_obj"], _ = function_setup(
            original_function="acompletion",
            rules_obj=Rules(),
            start_time=datetime.datetime.now(),
            model=request["group"],
            messages=HELLO,
            **kwargs,
        )
    try:
        response = await router.acompletion(model=request["group"], messages=HELLO, **kwargs)
        if streams:
            async for _ in response:
                pass
        hidden = response._hidden_params or {}
        row["deployment"] = hidden.get("model_id")
        if not streams:
            headers = hidden.get("additional_headers") or {}
            row["attempted_retries"] = headers.get("x-litellm-attempted-retries")
            row["attempted_fallbacks"] = headers.get("x-litellm-attempted-fallbacks")
        row["outcome"] = "ok"
    except Exception as error:
        row["outcome"] = type(error).__name__
        status = getattr(error, "status_code", None)
        row["status"] = None if status is None else int(status)
        row["failed_deployment"] = getattr(error, "failed_deployment_id", None) or getattr(error, "_failed_deployment_id", None)
        row["message_head"] = str(getattr(error, "message", None) or error)[:140]
    row["t_done"] = recorder.now()
    return row


def record(scenario, seed=42):
    """Runs a scenario on a new router. Call it in a process of its own: LiteLLM keeps things in its modules."""
    requests = sorted(scenario.requests, key=lambda r: (r["t"], r["i"]))
    with clock.travel() as traveller:
        loop = clock.Loop(traveller)
        asyncio.set_event_loop(loop)
        recorder = Recorder(loop)
        for name in _LISTS:
            getattr(litellm, name, []).clear()
        sim = Sim(scenario.behave, recorder.attempt, recorder.now)
        litellm.custom_provider_map = [{"provider": "sim", "custom_handler": sim}]
        custom_llm_setup()

        async def run():
            router = Router(model_list=copy.deepcopy(scenario.deployments), **copy.deepcopy(scenario.router))
            random.seed(seed)
            Recorder.current = recorder
            sent = []
            for request in requests:
                if request["t"] > loop.time():
                    await asyncio.sleep(request["t"] - loop.time())
                sent.append(asyncio.ensure_future(_request(recorder, router, request, scenario.proxy)))
            ends = await asyncio.gather(*sent)
            await asyncio.sleep(1)  # callbacks of the last answers
            Recorder.current = None
            return ends

        ends = loop.run_until_complete(run())
    file = {"name": scenario.name, "litellm_version": VERSION, "seed": seed, "epoch_utc": "2026-01-01T00:00:00Z"}
    if scenario.proxy:
        file["mode"] = "proxy"
    return file | {
        "deployments": scenario.deployments,
        "router": scenario.router,
        "n_requests": len(requests),
        "results": sorted(ends, key=lambda r: r["i"]),
        "attempts": recorder.attempts,
        "cooldowns": recorder.cooldowns,
        "retry_sleeps": recorder.sleeps,
        "rng_tape": recorder.tape,
    }
