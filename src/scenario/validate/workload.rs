//! Workloads, clients and name resolution.

use super::dist::{durations, token_count, tokens};
use crate::catalog;
use crate::scenario::decode::Cx;
use crate::scenario::defaults as d;
use crate::scenario::diagnostic::{At, Loc};
use crate::scenario::model::{Arrivals, Client, Context, DistSpec, Dns, Sizes, TraceRows, Turns, Workload};
use crate::scenario::raw::{
    RawArrivals, RawClient, RawContext, RawDns, RawPoisson, RawReplay, RawScenario, RawSizes, RawTurns, RawWorkload,
};
use crate::scenario::suggest::{did_you_mean, listed};
use crate::units::Span;
use std::path::Path;
use std::sync::Arc;

/// Most workloads.
const MOST_WORKLOADS: usize = 64;
/// Largest mean number of turns of a session.
const MOST_TURNS: f64 = 10_000.0;

/// The workloads in file order.
pub fn workloads(raw: &RawScenario, base_dir: Option<&Path>, horizon: Option<Span>, cx: &mut Cx) -> Vec<Workload> {
    let Some(named) = &raw.workload else { return Vec::new() };
    if named.entries.is_empty() {
        cx.error(named.loc, "no workload").help("a workload is a table: [workload.chat] with `arrivals` and `sizes`");
    }
    if named.entries.len() > MOST_WORKLOADS {
        cx.error(named.loc, format!("{} workloads", named.entries.len())).expected(format!("at most {MOST_WORKLOADS}"));
        return Vec::new();
    }
    let workloads: Vec<Workload> = named.good().filter_map(|(name, w)| one(name, w, base_dir, cx)).collect();
    for w in &workloads {
        let found = named.good().find(|(n, _)| n.value == w.name).map(|(_, raw)| &raw.arrivals);
        if let (Arrivals::Replay { trace }, Some(horizon), Some(Some(RawArrivals::Replay(r)))) =
            (&w.arrivals, horizon, found)
        {
            late_rows(r, trace, horizon, cx);
        }
    }
    workloads
}

/// Rows that arrive when the horizon is over are not replayed.
fn late_rows(r: &RawReplay, trace: &TraceRows, horizon: Span, cx: &mut Cx) {
    let loc = r.file.as_ref().or(r.trace.as_ref()).map_or(r.loc, |name| name.loc);
    let (all, late) = (trace.rows.len(), trace.rows.iter().filter(|row| row.0 >= horizon).count());
    if late == all {
        let first = trace.rows.first().map_or(0.0, |row| row.0.as_secs_f64());
        cx.error(loc, format!("all rows of `{}` come after the horizon: the first is at {first} s", trace.name))
            .expected(format!(
                "`arrival_s` in seconds after the start of the scenario, below {}",
                horizon.as_secs_f64()
            ))
            .help("subtract the time of the scenario's start from `arrival_s`, or give a longer `horizon`");
    } else if late > 0 {
        cx.warning(loc, format!("{late} of the {all} rows of `{}` come after the horizon", trace.name))
            .help("they are left out; a longer `horizon` takes them in");
    }
}

fn one(name: &At<String>, w: &RawWorkload, base_dir: Option<&Path>, cx: &mut Cx) -> Option<Workload> {
    let arrivals = w.arrivals.as_ref().and_then(|a| match a {
        RawArrivals::Poisson(p) => poisson(p, cx),
        RawArrivals::Replay(r) => replay(r, base_dir, cx).map(|trace| Arrivals::Replay { trace }),
    });
    let replays = matches!(w.arrivals, Some(RawArrivals::Replay(_)));
    let turns = turns(w, replays, cx);
    let think = think(name, w, turns, replays, cx);
    let sizes = w.sizes.as_ref().and_then(|s| sizes(s, arrivals.as_ref(), replays, w.arrivals.is_some(), name, cx));
    let context = context(w, turns, cx);
    let max_output = cx.or_at(&w.max_output, &d::MAX_OUTPUT, name.loc);
    let max_output_tokens = token_count(&max_output, "max_output", 1, cx);
    if let Some(RawContext::Growing(g)) = &w.context
        && let (Some(system), Some(max)) = (&g.system, &g.max)
        && system.value.0 >= max.value.0
        && max.value.0 > 0
    {
        cx.error(system.loc, "the system prompt alone fills the longest prompt, so no turn of the user fits")
            .note(max.loc, "the longest prompt");
    }
    let streamed = cx.or_at(&w.streamed, &d::STREAMED, name.loc);
    let limit = cx.or_at(&w.limit, &d::LIMIT, name.loc);
    let limit = cx.positive(limit, "limit");
    Some(Workload {
        name: name.value.clone(),
        arrivals: arrivals?,
        turns: turns?,
        think: think?,
        sizes: sizes?,
        context: context?,
        max_output_tokens,
        streamed: streamed.value,
        limit,
    })
}

fn poisson(p: &RawPoisson, cx: &mut Cx) -> Option<Arrivals> {
    let shape = match &p.shape {
        None => Some(None),
        Some(name) => {
            let found = super::lookup::shape(&name.value);
            if found.is_none() {
                let names = catalog::SHAPES;
                let help = did_you_mean(&name.value, names.iter().copied());
                cx.error(name.loc, format!("unknown rate shape `{}`", name.value))
                    .expected(listed(names.iter().copied()))
                    .maybe_help(help);
            }
            found.map(Some)
        }
    };
    let rate = p.rate?;
    if rate.value.0.micro_count == 0 {
        cx.error(rate.loc, "a rate of 0: nobody would ever come")
            .expected("a positive rate, for example \"6 sessions/s\"")
            .help("counts are read to a millionth; a slow rate has a longer unit, for example \"0.36 sessions/h\"");
    }
    Some(Arrivals::Poisson { rate: rate.value.0, shape: shape? })
}

fn replay(r: &RawReplay, base_dir: Option<&Path>, cx: &mut Cx) -> Option<Arc<TraceRows>> {
    match (&r.trace, &r.file) {
        (Some(name), None) => trace(name, cx),
        (None, Some(file)) => {
            let path = base_dir.unwrap_or(Path::new(".")).join(&file.value);
            match super::lookup::trace_file(&path) {
                Ok(rows) if rows.rows.is_empty() => {
                    cx.error(file.loc, format!("the trace `{}` has no rows", file.value));
                    None
                }
                Ok(rows) => Some(rows),
                Err(message) => {
                    cx.error(file.loc, format!("cannot use the trace `{}`: {message}", file.value)).expected(
                        "a CSV file with the columns arrival_s, input_tokens, output_tokens, relative to the scenario file",
                    );
                    None
                }
            }
        }
        (Some(name), Some(file)) => {
            cx.error(file.loc, "both `trace` and `file`").expected("one of them").note(name.loc, "the trace");
            None
        }
        (None, None) => {
            if r.bad.is_empty() {
                let names = catalog::TRACES;
                cx.error(r.loc, "nothing to replay")
                    .expected("`trace = \"<name>\"` of the catalogue, or `file = \"<path>\"`")
                    .help(format!("traces of the catalogue: {}", listed(names.iter().copied())));
            }
            None
        }
    }
}

fn trace(name: &At<String>, cx: &mut Cx) -> Option<Arc<TraceRows>> {
    let found = super::lookup::trace(&name.value);
    if found.is_none() {
        let names = catalog::TRACES;
        let help = did_you_mean(&name.value, names.iter().copied());
        cx.error(name.loc, format!("unknown trace `{}`", name.value))
            .expected(listed(names.iter().copied()))
            .maybe_help(help);
    }
    found
}

fn turns(w: &RawWorkload, replays: bool, cx: &mut Cx) -> Option<Turns> {
    if let (Some(t), true) = (&w.turns, replays) {
        let loc = match t {
            RawTurns::Fixed(n) => n.loc,
            RawTurns::Geometric(g) => g.loc,
        };
        let single = matches!(t, RawTurns::Fixed(n) if n.value == 1);
        if !single {
            cx.error(loc, "every replayed row is a session of one turn").help("leave out `turns`");
        }
        return Some(Turns::Fixed(1));
    }
    match cx.or(&w.turns, &d::TURNS) {
        RawTurns::Fixed(n) => Some(Turns::Fixed(cx.count(n, "fixed", 1..=MOST_TURNS as u32))),
        RawTurns::Geometric(g) => {
            let mean = cx.within_range(g.mean?, "mean", 1.0..=MOST_TURNS);
            Some(Turns::Geometric { mean })
        }
    }
}

fn think(name: &At<String>, w: &RawWorkload, turns: Option<Turns>, replays: bool, cx: &mut Cx) -> Option<DistSpec> {
    let single = replays || turns == Some(Turns::Fixed(1));
    match &w.think_time {
        Some(dist) => {
            let spec = durations(dist, cx);
            if single && turns.is_some() {
                cx.warning(
                    name.loc,
                    format!("`think_time` of `{}` has no effect: its sessions have one turn", name.value),
                );
            }
            spec
        }
        None if w.bad.contains(&"think_time") => None,
        None if single || turns.is_none() => Some(DistSpec::Constant(0.0)),
        None => {
            cx.error(name.loc, format!("missing key `think_time` in `workload.{}`", name.value)).expected(
                "`think_time.lognormal = { p50 = \"25 s\", p95 = \"120 s\" }`, because sessions have several turns",
            );
            None
        }
    }
}

fn sizes(
    s: &RawSizes,
    arrivals: Option<&Arrivals>,
    replays: bool,
    arrivals_stated: bool,
    workload: &At<String>,
    cx: &mut Cx,
) -> Option<Sizes> {
    match s {
        RawSizes::Fixed(f) => {
            let input = f.input.as_ref().map(|v| token_count(v, "input", 1, cx));
            let output = f.output.as_ref().map(|v| token_count(v, "output", 1, cx));
            Some(Sizes::Fixed { input: input?, output: output? })
        }
        RawSizes::Independent(i) => {
            let input = i.input.as_ref().and_then(|v| tokens(v, cx));
            let output = i.output.as_ref().and_then(|v| tokens(v, cx));
            Some(Sizes::Independent { input: input?, output: output? })
        }
        RawSizes::Fit(name) => {
            let Some(fit) = super::lookup::fit(&name.value) else {
                let names = super::lookup::fit_names();
                let help = did_you_mean(&name.value, names.iter().copied());
                cx.error(name.loc, format!("unknown size fit `{}`", name.value))
                    .expected(listed(names.iter().copied()))
                    .maybe_help(help);
                return None;
            };
            let key = format!("workload.{}.sizes", workload.value);
            let value = format!(
                "{{ independent = {{ input.lognormal = {{ p50 = \"{:.0} tokens\", p95 = \"{:.0} tokens\" }}, \
                 output.lognormal = {{ p50 = \"{:.0} tokens\", p95 = \"{:.0} tokens\" }} }} }}",
                fit.input.0, fit.input.1, fit.output.0, fit.output.1
            );
            cx.used(key, value, fit.source);
            Some(Sizes::Independent {
                input: DistSpec::LogNormal { p50: fit.input.0, p95: fit.input.1 },
                output: DistSpec::LogNormal { p50: fit.output.0, p95: fit.output.1 },
            })
        }
        RawSizes::Trace(name) => trace(name, cx).map(Sizes::Trace),
        RawSizes::Replayed(at) => {
            if arrivals_stated && !replays {
                cx.error(at.loc, "`replayed` sizes need `arrivals.replay`")
                    .help("with random arrivals, `sizes.trace = \"<name>\"` draws rows of a trace");
                return None;
            }
            match arrivals {
                // the very same rows: this is how the world recognises that a row brings its own sizes
                Some(Arrivals::Replay { trace }) => Some(Sizes::Trace(Arc::clone(trace))),
                _ => None,
            }
        }
    }
}

fn context(w: &RawWorkload, turns: Option<Turns>, cx: &mut Cx) -> Option<Context> {
    match cx.or(&w.context, &d::CONTEXT) {
        RawContext::Fresh(_) => Some(Context::Fresh),
        RawContext::Growing(g) => {
            let max = g.max.as_ref().map(|m| token_count(m, "max", 1, cx));
            let system = cx.or_at(&g.system, &d::SYSTEM_PROMPT, g.loc);
            let system_tokens = token_count(&system, "system", 0, cx);
            if turns == Some(Turns::Fixed(1)) && system_tokens == 0 {
                cx.warning(g.loc, "a growing context without a system prompt has no effect: sessions have one turn");
            }
            Some(Context::Growing { system_tokens, max_tokens: max? })
        }
    }
}

/// How clients connect.
pub fn client(raw: &RawScenario, cx: &mut Cx) -> Client {
    let c = raw.client.clone().unwrap_or_else(|| RawClient::empty(Loc::START));
    let connect_timeout = cx.or_at(&c.connect_timeout, &d::CLIENT_CONNECT_TIMEOUT, c.loc);
    let tries = cx.or_at(&c.tries, &d::CLIENT_TRIES, c.loc);
    let handshake = cx.or_at(&c.handshake_round_trips, &d::CLIENT_HANDSHAKE, c.loc);
    Client {
        connect_timeout: cx.positive(connect_timeout, "connect_timeout"),
        tries: cx.count(tries, "tries", 1..=8),
        retry_pause: cx.or(&c.retry_pause, &d::CLIENT_RETRY_PAUSE).value,
        keep_alive: cx.or(&c.keep_alive, &d::CLIENT_KEEP_ALIVE).value,
        handshake_round_trips: cx.count(handshake, "handshake_round_trips", 0..=8),
    }
}

/// How names are resolved.
pub fn dns(raw: &RawScenario, cx: &mut Cx) -> Dns {
    let n = raw.dns.clone().unwrap_or_else(|| RawDns::empty(Loc::START));
    let resolvers = cx.or_at(&n.resolvers_per_group, &d::DNS_RESOLVERS, n.loc);
    let extension = cx.or_at(&n.extension, &d::DNS_EXTENSION, n.loc);
    let hit: At<Span> = cx.or_at(&n.hit, &d::DNS_HIT, n.loc);
    let miss: At<Span> = cx.or_at(&n.miss, &d::DNS_MISS, n.loc);
    let elsewhere_share = n.elsewhere_share.map_or(0.0, |share| {
        if share.value.0 > 0.0 && raw.users.as_ref().is_some_and(|u| u.entries.len() == 1) {
            cx.error(share.loc, "resolvers stand where another group of users is, and there is only one group")
                .expected("two groups of users, or no `elsewhere_share`");
        }
        share.value.0
    });
    if miss.value < hit.value {
        // a default has no place in the file
        let (loc, other) = if n.miss.is_some() { (miss.loc, hit) } else { (hit.loc, miss) };
        let d = cx.error(loc, "an answer that has to be fetched (`miss`) is faster than one from the cache (`hit`)");
        if n.miss.is_some() && n.hit.is_some() {
            d.note(other.loc, "the answer from the cache");
        } else {
            let key = if n.miss.is_some() { "hit" } else { "miss" };
            d.help(format!("`{key}` is {} by default; state both", other.value));
        }
    }
    Dns {
        resolvers_per_group: cx.count(resolvers, "resolvers_per_group", 1..=10_000),
        elsewhere_share,
        extending_share: cx.or(&n.extending_share, &d::DNS_EXTENDING_SHARE).value.0,
        extension: cx.within_range(extension, "extension", 1.0..=10_000.0),
        hit: hit.value,
        miss: miss.value,
    }
}
