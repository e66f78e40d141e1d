"""Scenarios at random: the n-th is always the same."""

import random
from dataclasses import dataclass, field
from typing import Callable

STRATEGIES = [
    "simple-shuffle",
    "least-busy",
    "usage-based-routing",
    "usage-based-routing-v2",
    "latency-based-routing",
    "cost-based-routing",
]
COMMON = ["429", "500", "503", "408", "401", "403"]
FAILURES = COMMON + ["404", "400", "ctx", "content", "502", "402", "422"]


@dataclass
class Scenario:
    """What the router is configured with, what it is asked, and how deployments answer."""

    name: str
    deployments: list
    router: dict
    requests: list
    behave: Callable
    proxy: bool = False


class _Maker:
    def __init__(self, n):
        self.n = n
        self.draw = random.Random(n)
        self.strategy = STRATEGIES[n % len(STRATEGIES)]

    def chance(self, p):
        return self.draw.random() < p

    def one(self, *of):
        return self.draw.choice(of)

    def some_of(self, options, p):
        return {key: self.one(*values) for key, values in options.items() if self.chance(p)}

    def deployments(self, groups):
        """Up to four deployments in the first group, two in the others; a scenario has some of the settings."""
        settings = {
            "weight": (0.3, (0, 1, 2, 5, 0.5)),
            "rpm": (0.3, (2, 3, 5, 10, 30, 100)),
            "tpm": (0.25, (60, 100, 200, 500, 2000)),
            "max_parallel_requests": (0.15, (1, 2, 3)),
            "order": (0.15, (1, 2, 3)),
            "region_name": (0.12, ("eu", "us")),
            "cooldown_time": (0.15, (0, 2, 7, 20)),
            "num_retries": (0.1, (0, 1, 3)),
            "itpm": (0.1, (20, 50, 200)),
            "otpm": (0.1, (50, 200, 1000)),
        }
        self.used = {key for key, (p, _) in settings.items() if self.chance(p)}
        self.tags, self.budgets, self.own_fails = self.chance(0.15), self.chance(0.1), self.chance(0.12)
        priced = self.strategy.startswith("cost") or self.budgets or self.chance(0.1)
        all_of_them = []
        for g, group in enumerate(groups):
            for _ in range(self.one(1, 2, 3, 3, 4) if g == 0 else self.one(1, 1, 2)):
                name = "ABCDEFGHIJ"[len(all_of_them)]
                params, info = {"model": f"sim/{name}", "api_key": "x"}, {"id": name}
                for key in sorted(self.used):
                    if self.chance(0.7):
                        of_info = key == "cooldown_time" and self.chance(0.5)
                        (info if of_info else params)[key] = self.one(*settings[key][1])
                if self.tags and self.chance(0.8):
                    params["tags"] = self.draw.sample(["paid", "free", "default", "eu"], self.one(1, 1, 2))
                if priced and self.chance(0.8):
                    params["input_cost_per_token"] = self.one(0, 1e-6, 5e-6)
                    params["output_cost_per_token"] = self.one(1e-6, 4e-6, 1e-5)
                if self.budgets and self.chance(0.6):
                    params |= {"max_budget": self.one(0.0001, 0.0005, 0.001), "budget_duration": self.one("10s", "30s", "1m")}
                if self.own_fails and self.chance(0.6):
                    if self.chance(0.5):
                        info["allowed_fails"] = self.one(0, 1, 2)
                    else:
                        kind = self.one("RateLimitError", "InternalServerError", "TimeoutError", "AuthenticationError")
                        info["allowed_fails_policy"] = {f"{kind}AllowedFails": self.one(0, 1, 2)}
                if self.chance(0.1):
                    info["max_input_tokens"] = self.one(4, 8, 100)
                all_of_them.append({"model_name": group, "litellm_params": params, "model_info": info})
        return all_of_them

    def policy(self, suffix, p):
        kinds = ["BadRequest", "Authentication", "Timeout", "RateLimit", "ContentPolicyViolation", "InternalServer"]
        if not self.chance(p):
            return None
        return {f"{kind}Error{suffix}": self.one(0, 1, 2, 3) for kind in self.draw.sample(kinds, 2)}

    def router(self, groups):
        settings = {"num_retries": self.one(0, 0, 1, 2, 3)}
        if self.strategy != "simple-shuffle" or self.chance(0.3):
            settings["routing_strategy"] = self.strategy
        if self.strategy.startswith("latency"):
            arguments = {
                "lowest_latency_buffer": (0, 0.1, 0.5, 2),
                "ttl": (10, 60, 3600),
                "max_latency_list_size": (1, 3, 10),
                "ttft_percentile": (0.5, 0.9, 1.0),
            }
            settings["routing_strategy_args"] = self.some_of(arguments, 0.3)
        settings |= self.some_of({"allowed_fails": (0, 1, 2, 3, 4), "cooldown_time": (1, 3, 10, 30)}, 0.2)
        settings |= self.some_of({"retry_after": (1, 2), "default_max_parallel_requests": (1, 2)}, 0.08)
        settings |= self.some_of({"disable_cooldowns": (True,)}, 0.05)
        policies = {
            "allowed_fails_policy": self.policy("AllowedFails", 0.12),
            "retry_policy": self.policy("Retries", 0.15),
        }
        by_group = self.policy("Retries", 0.08)
        policies["model_group_retry_policy"] = by_group and {groups[0]: by_group}
        settings |= {key: policy for key, policy in policies.items() if policy}
        if len(groups) > 1:
            if self.chance(0.6):
                settings["fallbacks"] = [{groups[0]: self.draw.sample(groups[1:], self.draw.randint(1, len(groups) - 1))}]
                if self.chance(0.3):
                    settings["fallbacks"].append({groups[1]: [groups[0]]})
            for kind in ("context_window_fallbacks", "content_policy_fallbacks"):
                if self.chance(0.3):
                    settings[kind] = [{groups[0]: [groups[-1]]}]
            settings |= {key: [value] for key, value in self.some_of({"default_fallbacks": groups}, 0.25).items()}
            settings |= self.some_of({"max_fallbacks": (1, 2)}, 0.15)
        self.alias = self.chance(0.1)
        if self.alias:
            settings["model_group_alias"] = {"alias": groups[0]}
        if "region_name" in self.used or self.chance(0.4 if "rpm" in self.used else 0.1):
            settings["enable_pre_call_checks"] = True
        if self.tags:
            settings["enable_tag_filtering"] = True
            settings |= self.some_of({"tag_filtering_match_any": (True, False)}, 0.3)
        if self.strategy == "simple-shuffle" and self.chance(0.2):
            settings["enable_weighted_failover"] = True
        if self.used & {"itpm", "otpm"} or self.used & {"rpm", "tpm"} and self.chance(0.3):
            settings["optional_pre_call_checks"] = ["enforce_model_rate_limits"]
        if self.chance(0.06):
            settings["routing_groups"] = [
                {"group_name": "own", "models": [groups[0]], "routing_strategy": self.one(*STRATEGIES)}
            ]
        if self.budgets and self.chance(0.3):
            settings["provider_budget_config"] = {"sim": {"budget_limit": self.one(0.0005, 0.002), "time_period": "10s"}}
        return settings

    def requests(self, groups, deployments):
        gap, bursts, streams = self.one(0.2, 0.5, 1.0, 2.0, 5.0), self.chance(0.25), self.chance(0.2)
        output_bound, by_id = self.chance(0.25), self.chance(0.08)
        at, requests = 0.0, []
        for i in range(self.one(25, 40, 60)):
            group = groups[0] if self.chance(0.85) else self.one(*groups)
            if self.alias and self.chance(0.4):
                group = "alias"
            if by_id and self.chance(0.2):
                group = self.one(*deployments)["model_info"]["id"]
            kwargs = {}
            if streams and self.chance(0.6):
                kwargs["stream"] = True
            if self.tags and self.chance(0.7):
                tags = ["paid", "free", "eu", "nope", "!paid", "&free"]
                kwargs["metadata"] = {"tags": self.draw.sample(tags, self.one(1, 1, 2))}
            if "region_name" in self.used and self.chance(0.5):
                kwargs["allowed_model_region"] = self.one("eu", "us", "apac")
            kwargs |= self.some_of({"num_retries": (0, 1, 4)}, 0.03)
            if output_bound and self.chance(0.6):
                kwargs["max_tokens"] = self.one(10, 50, 200)
            if len(groups) > 1 and self.chance(0.02):
                kwargs["fallbacks"] = [self.one(*groups)]
            request = {"i": i, "t": round(at, 6), "group": group}
            requests.append(request | ({"kwargs": kwargs} if kwargs else {}))
            # nothing happens at the same moment as something else: who comes first then is the event loop's affair
            at += 0.00137 if bursts and self.chance(0.7) else self.draw.uniform(0.3, 1.7) * gap
        return requests, at

    def answers(self, deployments, end):
        """Every deployment has its speed, a share of random failures, and spells of failing. Its k-th call answers the same
        whatever the router did before."""
        traits = {}
        for deployment in deployments:
            spells = []
            for _ in range(self.one(0, 1, 1, 2)):
                begins = self.draw.uniform(0, end)
                ends = begins + self.draw.uniform(1, max(2, end / 2))
                kind = self.one(*COMMON) if self.chance(0.6) else self.one(*FAILURES)
                spells.append((begins, ends, kind, self.one(1.0, 1.0, 0.5, 0.3), self.one(None, None, None, 1, 2, 30, 90)))
            traits[deployment["model_info"]["id"]] = (
                spells,
                self.one(0.1, 0.3, 1.0, 3.0),
                self.one(10, 20, 100),
                self.one(0, 0, 0, 0.2),
            )
        calls = {}

        def behave(name, now, streams):
            k = calls[name] = calls.get(name, 0) + 1
            draw = random.Random(f"{self.n}/{name}/{k}")
            spells, seconds, tokens, flaky = traits[name]
            outcome, retry_after = "ok", None
            for begins, ends, kind, share, after in spells:
                if begins <= now < ends and draw.random() < share:
                    outcome, retry_after = kind, after
            if outcome == "ok" and draw.random() < flaky:
                outcome = draw.choice(COMMON[:4])
            latency = seconds * draw.uniform(0.5, 1.5) + draw.uniform(0, 0.037)
            completion = max(1, int(tokens * draw.uniform(0.5, 1.5)))
            if outcome != "ok" and draw.random() < 0.5:
                latency = draw.uniform(0.01, 0.1)
            answer = {"outcome": outcome, "latency_s": round(latency, 5), "completion_tokens": completion}
            answer["total_tokens"] = completion + 10
            if streams:
                # a stream that fails after it was opened hands its failure to threads, whose order nothing fixes
                answer |= {"outcome": "ok", "ttft_s": round(latency * draw.uniform(0.1, 0.8), 5)}
            elif retry_after is not None and outcome in ("429", "500", "503"):
                answer["retry_after"] = retry_after
            return answer

        return behave


def scenario(n):
    """The n-th scenario."""
    make = _Maker(n)
    groups = [f"g{i + 1}" for i in range(make.one(1, 1, 1, 2, 2, 3))]
    deployments = make.deployments(groups)
    router = make.router(groups)
    requests, end = make.requests(groups, deployments)
    return Scenario(f"random_{n}", deployments, router, requests, make.answers(deployments, end), make.chance(0.25))
