//! What each part allows and the whole does not: connections that cannot be made in time, and turns and attempts that
//! cannot be complete in time however lucky they are. The world would simulate them without complaint, so they are
//! refused here.

use super::Whole;
use crate::scenario::decode::Cx;
use crate::scenario::diagnostic::Loc;
use crate::scenario::model::{Context, Deployment, DistSpec, Gateway, Sizes, Topology, Workload};
use crate::scenario::raw::RawTimeout;
use crate::units::{DeploymentIx, GroupIx, Span};

/// Checks a scenario without errors of its parts.
pub fn check(whole: &Whole<'_>, cx: &mut Cx) {
    users_connect(whole, cx);
    for topology in &whole.scenario.topologies {
        gateways_connect(whole, topology, cx);
        attempts_in_time(whole, topology, cx);
    }
    for workload in &whole.scenario.workloads {
        turns_in_time(whole, workload, cx);
    }
}

/// Connecting takes a round trip; the world times it only where nobody answers.
fn users_connect(whole: &Whole<'_>, cx: &mut Cx) {
    let s = whole.scenario;
    let limit = s.client.connect_timeout;
    let mut worst: Option<(Span, &str, &str)> = None;
    for (g, group) in s.groups.iter().enumerate() {
        for region in s.topologies.iter().flat_map(|t| &t.regions) {
            let rtt = s.user_link(GroupIx::new(g), region.place).rtt;
            let legal = group.residency.is_none_or(|c| s.residency[c].legal[region.place.ix()]);
            if legal && rtt >= limit && worst.is_none_or(|(w, ..)| rtt > w) {
                worst = Some((rtt, &group.name, &s.places[region.place.ix()].id));
            }
        }
    }
    let Some((rtt, group, region)) = worst else { return };
    let own = whole.raw.client.as_ref().and_then(|c| c.connect_timeout).map(|t| t.loc);
    let loc = own.or_else(|| link(whole, group, region)).unwrap_or(Loc::START);
    cx.error(
        loc,
        format!("users `{group}` need {rtt} to connect to `{region}`, but their clients give up after {limit}"),
    )
    .help("a longer `client.connect_timeout`");
}

/// The same for gateways and deployments.
fn gateways_connect(whole: &Whole<'_>, t: &Topology, cx: &mut Cx) {
    let s = whole.scenario;
    let limit = t.retry.connect_timeout;
    let mut worst: Option<(Span, &str, &Deployment)> = None;
    for region in &t.regions {
        for d in members(t) {
            let d = &s.deployments[d.ix()];
            let rtt = s.place_link(region.place, d.place).rtt;
            if rtt >= limit && worst.is_none_or(|(w, ..)| rtt > w) {
                worst = Some((rtt, &s.places[region.place.ix()].id, d));
            }
        }
    }
    let Some((rtt, region, d)) = worst else { return };
    let own = timeouts(whole, t).and_then(|t| t.connect).map(|t| t.loc);
    let loc = own.or_else(|| link(whole, region, &s.places[d.place.ix()].id)).unwrap_or(Loc::START);
    let message =
        format!("the gateway in `{region}` needs {rtt} to connect to `{}`, but gives up after {limit}", d.name);
    cx.error(loc, message).help("a longer `timeout.connect`");
}

/// Attempts that always end at a time-out: an error if the topology has no others, otherwise a warning.
fn attempts_in_time(whole: &Whole<'_>, t: &Topology, cx: &mut Cx) {
    let s = whole.scenario;
    let (first_limit, total_limit) = (t.retry.first_token_timeout, t.retry.total_timeout);
    let product = !matches!(t.gateway, Gateway::Own);
    let fastest = |d: &Deployment| {
        let of_workloads = s.workloads.iter().map(|w| {
            let (first, total) = Least::of(w).served_by(d);
            // who waits for the whole answer has no time-out of the first token; a product has none of the whole of a stream
            (if w.streamed { first } else { Span::ZERO }, if product && w.streamed { Span::ZERO } else { total })
        });
        of_workloads.reduce(|a, b| (a.0.min(b.0), a.1.min(b.1))).unwrap_or((Span::ZERO, Span::ZERO))
    };
    let all: Vec<(DeploymentIx, (Span, Span))> =
        members(t).into_iter().map(|d| (d, fastest(&s.deployments[d.ix()]))).collect();
    let late = |&(first, total): &(Span, Span)| first > first_limit || total > total_limit;
    let hopeless = all.iter().all(|(_, times)| late(times));
    for (d, (first, total)) in all.iter().filter(|(_, times)| late(times)) {
        let name = &s.deployments[d.ix()].name;
        let (what, least, limit, key) = if *first > first_limit {
            ("a first token", first, first_limit, "first_token")
        } else {
            ("an answer", total, total_limit, "total")
        };
        let own = timeouts(whole, t).and_then(|t| if key == "total" { t.total } else { t.first_token });
        let loc = own.map(|t| t.loc).or_else(|| whole.deployment(name)).unwrap_or(Loc::START);
        // without the topology's name, so that it is said once of all that inherit the time-out
        let message = format!("{what} of `{name}` takes {least} or more, but the gateways give up after {limit}");
        let diagnostic = if hopeless { cx.error(loc, message) } else { cx.warning(loc, message) };
        diagnostic.help(match t.gateway {
            Gateway::Own => format!("a longer `timeout.{key}`, or a chain without `{name}`"),
            _ => format!("longer time-outs of the gateway, or one without `{name}`"),
        });
        if hopeless {
            return;
        }
    }
}

/// Turns that are over their time limit whatever happens.
fn turns_in_time(whole: &Whole<'_>, w: &Workload, cx: &mut Cx) {
    let s = whole.scenario;
    let least = Least::of(w);
    for t in &s.topologies {
        let overhead = t.regions.iter().map(|r| shortest(r.overhead)).min().unwrap_or(Span::ZERO);
        let before = plus(overhead, shortest(t.state.read));
        let answers = members(t).into_iter().map(|d| least.served_by(&s.deployments[d.ix()]).1);
        let needed = plus(before, answers.min().unwrap_or(Span::ZERO));
        if needed > w.limit {
            let found = whole.raw.workload.iter().flat_map(|n| n.good()).find(|(n, _)| n.value == w.name);
            let loc = found.map_or(Loc::START, |(name, raw)| raw.limit.map_or(name.loc, |l| l.loc));
            let message = format!(
                "no turn of `{}` can be served: topology `{}` needs {needed} or more, and the limit is {}",
                w.name, t.name, w.limit
            );
            cx.error(loc, message).help("a longer `limit`, or less work in a turn");
            return;
        }
    }
}

/// The deployments of a topology's chain, each once.
fn members(t: &Topology) -> Vec<DeploymentIx> {
    let mut all: Vec<DeploymentIx> = t.chain.iter().flat_map(|p| &p.members).map(|m| m.0).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn timeouts<'a>(whole: &Whole<'a>, t: &Topology) -> Option<&'a RawTimeout> {
    whole.topology(&t.name)?.timeout.as_ref()
}

/// Where the file states the round trip between two names.
fn link(whole: &Whole<'_>, a: &str, b: &str) -> Option<Loc> {
    let links = whole.raw.network.as_ref()?.link.as_ref()?;
    let between = |names: &[&str]| names == [a, b] || names == [b, a];
    links.items.iter().find_map(|l| {
        let names: Vec<&str> = l.between.as_ref()?.items.iter().map(|n| n.value.as_str()).collect();
        between(&names).then_some(l.rtt.map_or(l.loc, |r| r.loc))
    })
}

/// The smallest turn of a workload, in tokens.
#[derive(Clone, Copy, Debug)]
struct Least {
    prompt: u64,
    output: u64,
}

impl Least {
    fn of(w: &Workload) -> Least {
        let (input, output) = match &w.sizes {
            Sizes::Fixed { input, output } => (u64::from(*input), u64::from(*output)),
            Sizes::Independent { input, output } => (lowest(*input) as u64, lowest(*output) as u64),
            Sizes::Trace(t) => (
                t.rows.iter().map(|r| u64::from(r.1)).min().unwrap_or(1),
                t.rows.iter().map(|r| u64::from(r.2)).min().unwrap_or(1),
            ),
        };
        let system = match w.context {
            Context::Fresh => 0,
            Context::Growing { system_tokens, .. } => u64::from(system_tokens),
        };
        let longest = u64::from(w.max_output_tokens);
        Least { prompt: (system + input).max(1), output: output.clamp(1, longest.max(1)) }
    }

    /// Shortest time to the first token and to the last, without network and noise.
    fn served_by(self, d: &Deployment) -> (Span, Span) {
        let first = plus(shortest(d.ttft), d.prefill_per_token.times(self.prompt));
        let tokens = (self.output as f64 * d.output_factor).max(1.0);
        (first, plus(first, Span::from_secs_f64(lowest(d.per_output_token) * (tokens - 1.0))))
    }
}

/// The smallest value that a distribution gives; zero where it has no bound but zero.
fn lowest(d: DistSpec) -> f64 {
    match d {
        DistSpec::Constant(x) | DistSpec::Uniform { min: x, .. } => x,
        DistSpec::LogNormal { p50, p95 } if p50 == p95 => p50,
        DistSpec::Exponential { .. } | DistSpec::LogNormal { .. } => 0.0,
    }
}

/// The sum, however long the parts are.
fn plus(a: Span, b: Span) -> Span {
    Span::from_nanos(a.nanos().saturating_add(b.nanos()))
}

fn shortest(d: DistSpec) -> Span {
    Span::from_secs_f64(lowest(d))
}
