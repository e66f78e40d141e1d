//! Prompt caches: what providers document, and what could never hold or find anything.

use super::capacity::bounds;
use super::dist::token_count;
use crate::scenario::decode::Cx;
use crate::scenario::defaults as d;
use crate::scenario::diagnostic::{At, Loc};
use crate::scenario::model::{Context, PromptCache, Workload};
use crate::scenario::raw::{RawDeployment, RawPromptCache};
use crate::scenario::suggest::{did_you_mean, listed};
use crate::units::Span;

/// A documented cache.
struct Preset {
    name: &'static str,
    ttl: Option<Span>,
    minimum: u32,
    step: u32,
    answers: bool,
    source: &'static str,
}

/// How long entries live where the price list's price of writing holds.
const USUAL_TTL: Span = Span::from_mins(5);

const fn service(name: &'static str, step: u32, source: &'static str) -> Preset {
    Preset { name, ttl: Some(USUAL_TTL), minimum: 1_024, step, answers: false, source }
}

static PRESETS: [Preset; 5] = [
    service(
        "anthropic",
        1,
        "Anthropic, Prompt caching (2026): 5 min from the last use, from 1,024 tokens on (some models 512 to 4,096); ASSUMPTION: the \
         application marks the end of the system prompt and of every prompt",
    ),
    service(
        "bedrock",
        1,
        "Amazon Bedrock User Guide, Prompt caching for faster model inference (2026): 5 min from the last use, from 1,024 tokens on \
         (some models 4,096); ASSUMPTION: the application marks the end of the system prompt and of every prompt",
    ),
    service(
        "openai",
        128,
        "OpenAI, Prompt caching (2026): from 1,024 tokens on, in steps of 128; ASSUMPTION: gone after 5 min without use, the \
         shortest of the 5 to 10 min that it states",
    ),
    service(
        "azure",
        128,
        "Microsoft Learn, Prompt caching with Azure OpenAI (2026): from 1,024 tokens on, in steps of 128; ASSUMPTION: gone after \
         5 min without use, the shortest of the 5 to 10 min that it states",
    ),
    Preset {
        name: "engine",
        ttl: None,
        minimum: 0,
        step: 16,
        answers: true,
        source: "vLLM, Automatic Prefix Caching (design document of 2026): whole blocks of 16 tokens of prompts and answers, least \
                 recently used first out",
    },
];

/// The cache of a deployment, if it has one.
pub fn prompt_cache(raw: &RawDeployment, cx: &mut Cx) -> Option<PromptCache> {
    let c = raw.prompt_cache.as_ref()?;
    let preset = match &c.preset {
        None => None,
        Some(name) => Some(preset(name, cx)?),
    };
    let mut of = |part: &str, value: Option<String>, stated: bool| {
        if let (Some(p), Some(value), false) = (preset, value, stated) {
            cx.used(format!("deployment.*.prompt_cache.{part} ({})", p.name), value, p.source);
        }
    };
    of("ttl", preset.and_then(|p| p.ttl).map(|t| format!("\"{t}\"")), c.ttl.is_some());
    let tokens = |n: Option<u32>| n.map(|n| format!("\"{n} tokens\""));
    of("minimum", tokens(preset.map(|p| p.minimum)), c.minimum.is_some());
    of("step", tokens(preset.map(|p| p.step)), c.step.is_some());
    of("answers", preset.map(|p| p.answers.to_string()), c.answers.is_some());
    let ttl = c.ttl.map(|t| cx.positive(t, "ttl")).or(preset.and_then(|p| p.ttl));
    let minimum = match (&c.minimum, preset) {
        (None, Some(p)) => p.minimum,
        (own, _) => token_count(&cx.or_at(own, &d::CACHE_MINIMUM, c.loc), "minimum", 0, cx),
    };
    let step = match (&c.step, preset) {
        (None, Some(p)) => p.step,
        (own, _) => token_count(&cx.or_at(own, &d::CACHE_STEP, c.loc), "step", 1, cx),
    };
    let answers = match (&c.answers, preset) {
        (None, Some(p)) => p.answers,
        (own, _) => cx.or(own, &d::CACHE_ANSWERS).value,
    };
    let capacity = capacity(c, minimum.max(step), cx);
    if ttl.is_none() && capacity.is_none() && !c.bad.contains(&"ttl") && !c.bad.contains(&"capacity") {
        cx.error(c.loc, "a prompt cache that never forgets anything")
            .expected("`ttl = \"5 min\"`, or `capacity = \"400k tokens\"`");
        return None;
    }
    Some(PromptCache { ttl, capacity, minimum, step, answers })
}

fn preset(name: &At<String>, cx: &mut Cx) -> Option<&'static Preset> {
    let found = PRESETS.iter().find(|p| p.name == name.value);
    if found.is_none() {
        let names = || PRESETS.iter().map(|p| p.name);
        cx.error(name.loc, format!("unknown prompt cache `{}`", name.value))
            .expected(listed(names()))
            .maybe_help(did_you_mean(&name.value, names()));
    }
    found
}

fn capacity(c: &RawPromptCache, least: u32, cx: &mut Cx) -> Option<u64> {
    let capacity = c.capacity?;
    let tokens = capacity.value.0;
    // histories count tokens in 32 bits, and so many of them make no difference to any run
    if tokens > 1_000_000_000_000 {
        cx.error(capacity.loc, format!("`capacity` is {tokens} tokens, which is out of range"))
            .expected("up to 10^12 tokens");
    } else if tokens < u64::from(least.max(1)) {
        cx.error(capacity.loc, format!("a prompt cache with room for {tokens} tokens holds no prompt"))
            .expected(format!("at least {} tokens: `minimum`, and one `step`", least.max(1)));
    }
    Some(tokens)
}

/// Warns of a cache that finds nothing, whatever arrives.
pub fn doubts(name: Loc, raw: &RawDeployment, cache: &PromptCache, workloads: &[Workload], cx: &mut Cx) {
    let Some(c) = &raw.prompt_cache else { return };
    let alike = |w: &&Workload| matches!(w.context, Context::Growing { .. });
    let longest = workloads.iter().filter(alike).map(|w| bounds(w).1.unwrap_or(u64::MAX)).max();
    match longest {
        None => {
            cx.warning(
                c.loc,
                "a prompt cache finds nothing: no workload has a `context.growing`, so no two prompts begin alike",
            );
        }
        Some(longest) if longest <= u64::from(cache.minimum) => {
            let loc = c.minimum.map_or(c.loc, |m| m.loc);
            let message = format!(
                "a prompt cache from {} tokens on finds nothing: no prompt that begins like another is longer than {longest}",
                cache.minimum
            );
            cx.warning(loc, message);
        }
        Some(_) => {}
    }
    let shortest = workloads.iter().map(|w| bounds(w).0).min().unwrap_or(0);
    if let (Some(own), Some(capacity)) = (&c.capacity, cache.capacity)
        && capacity < shortest
    {
        cx.warning(own.loc, format!("no prompt fits in whole: the shortest has {shortest} tokens"));
    }
    let price = raw.price.as_ref();
    let (listed, own) = (price.and_then(|p| p.catalog.as_ref()), price.and_then(|p| p.cache_write.as_ref()));
    if let Some(key) = listed
        && own.is_none()
        && cache.ttl.is_some_and(|t| t > USUAL_TTL)
        && super::lookup::token_price(&key.value).is_some_and(|p| p.cache_write.is_some())
    {
        cx.warning(c.ttl.map_or(name, |t| t.loc), "the catalogue's price of cache writes is for a `ttl` of 5 min")
            .help(
                "Anthropic and Bedrock ask twice the price of input for an hour: state `cache_write` beside `catalog`",
            );
    }
}
