"""A provider that answers as it is told, in virtual time."""

import asyncio

import httpx
import litellm
from litellm.types.utils import Choices, Message, ModelResponse, Usage

_REQUEST = httpx.Request("POST", "http://sim/")


def failure(outcome, retry_after, model):
    """The exception that LiteLLM makes of a status, a context that is too long (`ctx`) or a refused content (`content`)."""
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    status = 400 if outcome in ("ctx", "content") else int(outcome)
    response = httpx.Response(status, headers=headers, request=_REQUEST)
    about = {"message": f"sim {outcome}", "llm_provider": "sim", "model": model}
    classes = litellm.exceptions
    with_response = {
        "ctx": classes.ContextWindowExceededError,
        "content": classes.ContentPolicyViolationError,
        "400": classes.BadRequestError,
        "401": classes.AuthenticationError,
        "403": classes.PermissionDeniedError,
        "404": classes.NotFoundError,
        # exception_mapping_utils.py: a provider's 422 becomes a BadRequestError
        "422": classes.BadRequestError,
        "429": classes.RateLimitError,
        "500": classes.InternalServerError,
        "502": classes.BadGatewayError,
        "503": classes.ServiceUnavailableError,
    }
    if outcome == "408":
        return classes.Timeout(**about)
    if outcome in with_response:
        return with_response[outcome](response=response, **about)
    return classes.APIError(status_code=status, request=_REQUEST, **about)


class Sim(litellm.CustomLLM):
    """Asks `behave(deployment, now, streams)` what becomes of a call, and tells `note` of it."""

    def __init__(self, behave, note, now):
        super().__init__()
        self.behave, self.note, self.now = behave, note, now

    def _begin(self, model, messages, logging_obj, streams):
        # least-busy counts a call when its handler announces it
        logging_obj.pre_call(input=messages, api_key="", additional_args={})
        answer = self.behave(model, self.now(), streams)
        self.note(model, answer, streams)
        return answer

    async def acompletion(self, model, messages, *_, logging_obj, **__):
        answer = self._begin(model, messages, logging_obj, False)
        await asyncio.sleep(answer["latency_s"])
        if answer["outcome"] != "ok":
            raise failure(answer["outcome"], answer.get("retry_after"), model)
        completion, total = answer["completion_tokens"], answer["total_tokens"]
        choice = Choices(message=Message(content="x", role="assistant"))
        response = ModelResponse(model=model, choices=[choice])
        response.usage = Usage(prompt_tokens=total - completion, completion_tokens=completion, total_tokens=total)
        return response

    async def astreaming(self, model, messages, *_, logging_obj, **__):
        answer = self._begin(model, messages, logging_obj, True)
        completion = answer["completion_tokens"]
        usage = {"completion_tokens": completion, "prompt_tokens": 10, "total_tokens": completion + 10}
        await asyncio.sleep(answer["ttft_s"])
        yield _chunk("x", None)
        await asyncio.sleep(answer["latency_s"] - answer["ttft_s"])
        yield _chunk("", usage)


def _chunk(text, usage):
    last = usage is not None
    return {
        "finish_reason": "stop" if last else None,
        "index": 0,
        "is_finished": last,
        "text": text,
        "tool_use": None,
        "usage": usage,
    }
