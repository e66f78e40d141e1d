//! One function per algorithm: from its table in the file to its configuration.

use super::rates::{
    bounded, bucket, bucket_over, each, limits_something, per_minute, requests, sound, tokens, unit_window, window,
};
use crate::catalog;
use crate::routing::limits::{
    AnthropicConfig, AzureOpenAiConfig, AzureProvisionedConfig, BedrockConfig, BucketConfig, EnvoyAiGatewayConfig,
    EnvoyRateLimitConfig, LimiterConfig, LiteLlmConfig, OpenAiConfig, OutputCount, PlainConfig, SharedPoolConfig,
    SubWindowConfig, TokenCost, VertexProvisionedConfig, WindowConfig,
};
use crate::scenario::decode::{Cx, TokenRate};
use crate::scenario::defaults as d;
use crate::scenario::diagnostic::{At, Loc};
use crate::scenario::model::Variation;
use crate::scenario::raw::{
    RawAnthropic, RawAzureOpenAi, RawAzureProvisioned, RawBedrock, RawEnvoyAiGateway, RawEnvoyRateLimit, RawLiteLlm,
    RawOpenAi, RawOutputCount, RawSharedPool, RawSubWindow, RawTokenBucket, RawVertexProvisioned, RawWindow,
};
use crate::scenario::suggest::did_you_mean;
use crate::scenario::validate::lookup;
use crate::units::{Money, PerNanos, Span};

const PLAIN: &str = "`tokens = \"10M tokens/min\"` or `requests = \"10k requests/min\"`";

pub(super) fn token_bucket(q: &RawTokenBucket, cx: &mut Cx) -> Option<PlainConfig<BucketConfig>> {
    let request_burst = q.request_burst.map(|b| (b.value, b.loc));
    let token_burst = q.token_burst.map(|b| (b.value.0, b.loc));
    let mut burst_alone = false;
    for (rate, burst, what) in
        [(q.requests.is_none(), request_burst, "requests"), (q.tokens.is_none(), token_burst, "tokens")]
    {
        if let Some((_, loc)) = burst.filter(|_| rate && !q.bad.contains(&what)) {
            cx.error(loc, format!("a burst of {what} without a rate of {what}"));
            burst_alone = true;
        }
    }
    let any = q.requests.is_some() || q.tokens.is_some() || burst_alone;
    limits_something(any, &q.bad, q.loc, PLAIN, cx)?;
    let requests = each(requests(&q.requests), |r| bucket(r, request_burst, "requests", cx));
    let tokens = each(tokens(&q.tokens), |r| bucket(r, token_burst, "tokens", cx));
    let retry_after = cx.or(&q.retry_after, &d::RETRY_AFTER).value;
    Some(PlainConfig { requests: requests?, tokens: tokens?, retry_after })
}

pub(super) fn windows(q: &RawWindow, cx: &mut Cx) -> Option<PlainConfig<WindowConfig>> {
    limits_something(q.requests.is_some() || q.tokens.is_some(), &q.bad, q.loc, PLAIN, cx)?;
    let requests = each(requests(&q.requests), |r| window(r, cx));
    let tokens = each(tokens(&q.tokens), |r| window(r, cx));
    let retry_after = cx.or(&q.retry_after, &d::RETRY_AFTER).value;
    Some(PlainConfig { requests: requests?, tokens: tokens?, retry_after })
}

pub(super) fn sub_window(q: &RawSubWindow, cx: &mut Cx) -> Option<PlainConfig<SubWindowConfig>> {
    limits_something(q.requests.is_some() || q.tokens.is_some(), &q.bad, q.loc, PLAIN, cx)?;
    let over = cx.or_at(&q.evaluated_over, &d::EVALUATED_OVER, q.loc);
    let window = cx.positive(over, "evaluated_over");
    let mut sub = |r| sound(r, cx).filter(|_| window > Span::ZERO).map(|rate| SubWindowConfig { rate, window });
    let requests = each(requests(&q.requests), &mut sub);
    let tokens = each(tokens(&q.tokens), &mut sub);
    let retry_after = cx.or(&q.retry_after, &d::RETRY_AFTER).value;
    Some(PlainConfig { requests: requests?, tokens: tokens?, retry_after })
}

pub(super) fn azure_openai(q: &RawAzureOpenAi, cx: &mut Cx) -> Option<AzureOpenAiConfig> {
    let tokens_per_min = tokens(&q.tokens).and_then(|r| per_minute(r, cx));
    let own = each(requests(&q.requests), |r| per_minute(r, cx));
    if let (Some(_), Some(ratio)) = (&q.requests, &q.requests_per_1k_tokens) {
        cx.error(ratio.loc, "both requests per minute and requests per 1,000 tokens").expected("one of the two");
    }
    let ratio = if q.requests.is_none() {
        let ratio = cx.or_at(&q.requests_per_1k_tokens, &d::AZURE_REQUESTS, q.loc);
        cx.within_range(ratio, "requests_per_1k_tokens", 0.01..=1000.0)
    } else {
        0.0
    };
    let over = cx.or_at(&q.evaluated_over, &d::EVALUATED_OVER, q.loc);
    if ![Span::from_secs(1), Span::from_secs(10)].contains(&over.value) {
        cx.error(over.loc, "Azure OpenAI watches requests over other windows").expected("\"1 s\" or \"10 s\"");
        return None;
    }
    let retry_after = cx.or(&q.retry_after, &d::RETRY_AFTER).value;
    let (tokens_per_min, own) = (tokens_per_min?, own?);
    let micro_requests_per_min = match own {
        Some(n) => n * 1_000_000,
        None => AzureOpenAiConfig::micro_requests(tokens_per_min, libm::round(ratio * 1e6) as u64),
    };
    if micro_requests_per_min == 0 {
        cx.error(q.tokens?.loc, "so few tokens come with no request at all").help("more tokens, or `requests`");
        return None;
    }
    Some(AzureOpenAiConfig { tokens_per_min, micro_requests_per_min, evaluated_over: over.value, retry_after })
}

pub(super) fn azure_provisioned(q: &RawAzureProvisioned, cx: &mut Cx) -> Option<AzureProvisionedConfig> {
    let units = q.units.map(|u| cx.count(u, "units", 1..=100_000));
    let mut rate = |r: &Option<At<TokenRate>>| {
        let n = tokens(r).and_then(|r| per_minute(r, cx))?;
        let narrow = u32::try_from(n).ok().filter(|n| *n <= 1_000_000);
        if narrow.is_none() {
            cx.error(r.as_ref()?.loc, "one unit processes no more than 1M tokens per minute");
        }
        narrow
    };
    let (input_per_min, output_per_min) = (rate(&q.input_tokens), rate(&q.output_tokens));
    let window = cx.or_at(&q.window, &d::PROVISIONED_WINDOW, q.loc);
    let window = bounded(window, "window", cx);
    let retry_after = cx.or(&q.retry_after, &d::RETRY_AFTER).value;
    Some(AzureProvisionedConfig {
        units: units?,
        input_per_min: input_per_min?,
        output_per_min: output_per_min?,
        window: window?,
        retry_after,
    })
}

pub(super) fn openai(q: &RawOpenAi, cx: &mut Cx) -> Option<OpenAiConfig> {
    let any = q.requests.is_some()
        || q.requests_per_day.is_some()
        || q.tokens.is_some()
        || q.tokens_per_day.is_some()
        || q.credit.is_some();
    limits_something(any, &q.bad, q.loc, "`requests = \"5k requests/min\"`, `tokens = \"2M tokens/min\"`", cx)?;
    let burst = burst(&q.burst, q.requests.is_some(), q.loc, cx);
    let requests_per_min = each(requests(&q.requests), |r| bucket_over(r, burst?, cx));
    let requests_per_day = each(requests(&q.requests_per_day), |r| bucket(r, None, "requests", cx));
    let tokens_per_min = each(tokens(&q.tokens), |r| bucket(r, None, "tokens", cx));
    let tokens_per_day = each(tokens(&q.tokens_per_day), |r| bucket(r, None, "tokens", cx));
    if let Some(credit) = q.credit.filter(|c| c.value.0 == Money::ZERO) {
        cx.error(credit.loc, "a credit of nothing refuses everything").help("leave it out for no limit");
    }
    let retry_after = cx.or(&q.retry_after, &d::RETRY_AFTER).value;
    Some(OpenAiConfig {
        requests: requests_per_min?,
        requests_per_day: requests_per_day?,
        tokens: tokens_per_min?,
        tokens_per_day: tokens_per_day?,
        credit: q.credit.map(|c| c.value.0),
        retry_after,
    })
}

/// The time over which requests are enforced; where nothing limits them it has no effect.
pub(super) fn burst(own: &Option<At<Span>>, limited: bool, loc: Loc, cx: &mut Cx) -> Option<Span> {
    match own {
        Some(own) if !limited => {
            cx.warning(own.loc, "`burst` has no effect without a limit on requests");
            Some(own.value)
        }
        None if !limited => Some(Span::ZERO),
        own => {
            let burst = cx.or_at(own, &d::BURST, loc);
            bounded(burst, "burst", cx)
        }
    }
}

pub(super) fn anthropic(q: &RawAnthropic, vary: &mut Option<Variation>, cx: &mut Cx) -> Option<AnthropicConfig> {
    let any = q.requests.is_some() || q.input_tokens.is_some() || q.output_tokens.is_some() || q.overload.is_some();
    limits_something(any, &q.bad, q.loc, "`input_tokens = \"2M tokens/min\"`", cx)?;
    let burst = burst(&q.burst, q.requests.is_some(), q.loc, cx);
    let requests = each(requests(&q.requests), |r| bucket_over(r, burst?, cx));
    let input = each(tokens(&q.input_tokens), |r| bucket(r, None, "tokens", cx));
    let output = each(tokens(&q.output_tokens), |r| bucket(r, None, "tokens", cx));
    let output_count = match (&q.output_tokens, &q.output_counts) {
        (None, None) => OutputCount::AsGenerated,
        _ => match cx.or(&q.output_counts, &d::OUTPUT_COUNTS) {
            RawOutputCount::AsGenerated(_) => OutputCount::AsGenerated,
            RawOutputCount::Reserved(_) => OutputCount::Reserved,
        },
    };
    let overload = match &q.overload {
        None => Some(None),
        Some(pool) => shared_pool(pool, vary, cx).map(Some),
    };
    let retry_after = cx.or(&q.retry_after, &d::RETRY_AFTER).value;
    Some(AnthropicConfig {
        requests: requests?,
        input: input?,
        output: output?,
        output_count,
        overload: overload?,
        retry_after,
    })
}

pub(super) fn bedrock(q: &RawBedrock, cx: &mut Cx) -> Option<BedrockConfig> {
    let per_minute = tokens(&q.tokens).and_then(|r| bucket(r, None, "tokens", cx));
    let per_day = each(tokens(&q.tokens_per_day), |r| bucket(r, None, "tokens", cx));
    let requests = each(requests(&q.requests), |r| bucket(r, None, "requests", cx));
    let output_burndown = q.output_burndown.map(|n| cx.count(n, "output_burndown", 1..=100));
    let retry_after = cx.or(&q.retry_after, &d::BEDROCK_RETRY_AFTER).value;
    Some(BedrockConfig {
        requests: requests?,
        tokens: per_minute?,
        tokens_per_day: per_day?,
        output_burndown: output_burndown?,
        retry_after,
    })
}

pub(super) fn shared_pool(q: &RawSharedPool, vary: &mut Option<Variation>, cx: &mut Cx) -> Option<SharedPoolConfig> {
    let rate = tokens(&q.pool).and_then(|r| sound(r, cx));
    let others = q.others.as_ref().map(|o| &o.items);
    let day = Span::from_hours(24);
    if let Some(others) = others {
        let n = others.len() as u64;
        if n == 0 && !q.bad.contains(&"others") {
            cx.error(q.loc, "nothing is said of the other customers").expected("`others = \"80 %\"`");
            return None;
        }
        if n > 1_440 || !day.nanos().is_multiple_of(n.max(1)) {
            cx.error(q.loc, format!("{n} shares do not divide a day evenly")).expected("one value, or 24, 48, 96, ...");
            return None;
        }
        if n > 0 && others.iter().all(|o| o.value.0 >= 1.0) {
            cx.error(others[0].loc, "other customers use all of the pool all the time, so nothing is ever served");
            return None;
        }
    }
    if let Some(v) = &q.others_vary {
        let by = v.by.map(|by| cx.within_range(by, "by", 0.0..=5.0));
        let every = v.every.filter(|every| {
            let long = every.value >= Span::from_secs(1);
            if !long {
                cx.error(every.loc, "a load that changes more often than every second").expected("at least \"1 s\"");
            }
            long
        });
        *vary = by.zip(every).map(|(by, every)| Variation { by, every: every.value });
    }
    let burst = cx.or_at(&q.burst, &d::POOL_BURST, q.loc);
    let burst = bounded(burst, "burst", cx);
    let others: Vec<u32> = others?.iter().map(|o| libm::round(o.value.0 * 1e6) as u32).collect();
    let step = Span(day.nanos() / others.len().max(1) as u64);
    let pool = SharedPoolConfig { rate: rate?, burst: burst?, others, step, by_clock: true };
    if pool.capacity() == 0 {
        cx.error(q.pool?.loc, "the pool holds less than a token at once").help("a larger pool, or a longer `burst`");
        return None;
    }
    Some(pool)
}

pub(super) fn vertex_provisioned(q: &RawVertexProvisioned, cx: &mut Cx) -> Option<VertexProvisionedConfig> {
    let units = q.units.map(|u| cx.count(u, "units", 1..=100_000));
    let per_unit = tokens(&q.tokens).and_then(|r| sound(r, cx));
    let output_weight = q.output_weight.map(|w| cx.count(w, "output_weight", 1..=100));
    let window = cx.or_at(&q.window, &d::VERTEX_WINDOW, q.loc);
    let window = bounded(window, "window", cx);
    let (units, per_unit) = (units?, per_unit?);
    let micro_count = per_unit.micro_count.saturating_mul(u64::from(units));
    let rate = sound((PerNanos { micro_count, ..per_unit }, q.tokens?.loc), cx);
    let config = VertexProvisionedConfig { rate: rate?, window: window?, output_weight: output_weight? };
    if config.per_window() == 0 {
        cx.error(q.tokens?.loc, "a window has less than a token").help("more tokens, or a longer `window`");
        return None;
    }
    Some(config)
}

pub(super) fn envoy_ratelimit(q: &RawEnvoyRateLimit, cx: &mut Cx) -> Option<EnvoyRateLimitConfig> {
    let written = q.requests.as_ref()?;
    let limits: Vec<Option<WindowConfig>> = written.items.iter().map(|r| unit_window((r.value.0, r.loc), cx)).collect();
    limits_something(!limits.is_empty(), &q.bad, q.loc, "`requests = \"100 requests/s\"`", cx)?;
    let retry_after = cx.or(&q.retry_after, &d::ENVOY_RETRY_AFTER).value;
    Some(EnvoyRateLimitConfig { limits: limits.into_iter().collect::<Option<_>>()?, retry_after })
}

pub(super) fn envoy_ai_gateway(q: &RawEnvoyAiGateway, cx: &mut Cx) -> Option<EnvoyAiGatewayConfig> {
    let written = [
        (TokenCost::Total, &q.tokens),
        (TokenCost::Input, &q.input_tokens),
        (TokenCost::CachedInput, &q.cached_input_tokens),
        (TokenCost::Output, &q.output_tokens),
    ];
    let any = written.iter().any(|(_, r)| r.is_some());
    limits_something(any, &q.bad, q.loc, "`tokens = \"1M tokens/h\"`", cx)?;
    let mut rules = Vec::new();
    let mut complete = true;
    for (cost, rate) in written {
        if let Some(rate) = tokens(rate) {
            match unit_window(rate, cx) {
                Some(w) => rules.push((cost, w)),
                None => complete = false,
            }
        }
    }
    let retry_after = cx.or(&q.retry_after, &d::ENVOY_RETRY_AFTER).value;
    complete.then_some(EnvoyAiGatewayConfig { rules, retry_after })
}

pub(super) fn litellm(q: &RawLiteLlm, cx: &mut Cx) -> Option<LiteLlmConfig> {
    let any = q.requests.is_some() || q.tokens.is_some() || q.input_tokens.is_some() || q.output_tokens.is_some();
    limits_something(any, &q.bad, q.loc, PLAIN, cx)?;
    let rpm = each(requests(&q.requests), |r| per_minute(r, cx));
    let tpm = each(tokens(&q.tokens), |r| per_minute(r, cx));
    let itpm = each(tokens(&q.input_tokens), |r| per_minute(r, cx));
    let otpm = each(tokens(&q.output_tokens), |r| per_minute(r, cx));
    Some(LiteLlmConfig { rpm: rpm?, tpm: tpm?, itpm: itpm?, otpm: otpm? })
}

/// A published default limit as the limiter of its provider.
pub(super) fn published(name: &At<String>, cx: &mut Cx) -> Option<LimiterConfig> {
    let Some(q) = catalog::quota(&name.value) else {
        let names = catalog::quotas().iter().map(|q| q.name.as_str());
        let help = did_you_mean(&name.value, names);
        cx.error(name.loc, format!("unknown quota `{}` of the catalogue", name.value))
            .expected("a name of the catalogue's quotas (`geodes catalog quotas` lists them)")
            .maybe_help(help);
        return None;
    };
    let minute = Span::from_mins(1).nanos();
    let full = |n: u64| BucketConfig { rate: PerNanos { micro_count: n * 1_000_000, nanos: minute }, capacity: n };
    let retry_after = cx.or(&None::<At<bool>>, &d::RETRY_AFTER).value;
    let mut value = format!("requests = \"{} requests/min\"", q.requests_per_min);
    let limiter = if let Some(tokens_per_min) = q.tokens_per_min {
        value += &format!(", tokens = \"{tokens_per_min} tokens/min\"");
        LimiterConfig::AzureOpenAi(AzureOpenAiConfig {
            tokens_per_min,
            micro_requests_per_min: q.requests_per_min * 1_000_000,
            evaluated_over: cx.or(&None::<At<Span>>, &d::EVALUATED_OVER).value,
            retry_after,
        })
    } else {
        for (key, n) in [("input_tokens", q.input_tokens_per_min), ("output_tokens", q.output_tokens_per_min)] {
            value += &n.map_or(String::new(), |n| format!(", {key} = \"{n} tokens/min\""));
        }
        let burst = cx.or(&None::<At<Span>>, &d::BURST).value;
        let rate = full(q.requests_per_min).rate;
        LimiterConfig::Anthropic(AnthropicConfig {
            requests: bucket_over((rate, name.loc), burst, cx),
            input: q.input_tokens_per_min.map(full),
            output: q.output_tokens_per_min.map(full),
            output_count: match cx.or(&None::<RawOutputCount>, &d::OUTPUT_COUNTS) {
                RawOutputCount::AsGenerated(_) => OutputCount::AsGenerated,
                RawOutputCount::Reserved(_) => OutputCount::Reserved,
            },
            overload: None,
            retry_after,
        })
    };
    let source = format!("{}; {}; {}", lookup::provenance(q.source), q.dated, q.scope);
    cx.used(format!("deployment.*.quota.catalog ({})", q.name), value, source);
    Some(limiter)
}
