//! Deployments.

use super::dist::durations;
use super::places::Places;
use super::quota::{self, SharedQuotas};
use crate::catalog;
use crate::routing::limits::LimiterConfig;
use crate::routing::outcome::ErrorClass;
use crate::scenario::decode::Cx;
use crate::scenario::defaults as d;
use crate::scenario::diagnostic::{At, Loc};
use crate::scenario::extends::Resolved;
use crate::scenario::model::{Deployment, DistSpec, QuotaUse};
use crate::scenario::raw::{RawDeployment, RawLatency, RawTokenPrices};
use crate::scenario::suggest::{did_you_mean, listed};
use crate::units::{DeploymentIx, Price, Span};

/// Most deployments of a scenario: records keep counters for each of them.
const MOST_DEPLOYMENTS: usize = 128;

/// The deployments that are not abstract. Broken ones keep their place, so that nothing that names them is blamed.
pub struct Deployments {
    /// Name, and the deployment unless it is broken, in file order.
    pub entries: Vec<(At<String>, Option<Deployment>)>,
    /// Names of abstract ones.
    pub abstract_names: Vec<String>,
    /// Longest prompt of the deployment's model and where its price says so, as the catalogue knows it.
    pub max_input: Vec<Option<(u64, Loc)>>,
    /// Where the quota of each stands.
    pub quota_at: Vec<Option<Loc>>,
    /// Region of each, as the file names it.
    pub regions: Vec<String>,
}

impl Deployments {
    /// The index of a name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.entries.iter().position(|(n, _)| n.value == name)
    }
    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.entries.iter().map(|(n, _)| n.value.as_str())
    }
    /// The index of a deployment named in the file, or an error.
    pub fn named(&self, name: &At<String>, cx: &mut Cx) -> Option<usize> {
        let found = self.position(&name.value);
        if found.is_none() {
            if self.abstract_names.contains(&name.value) {
                cx.error(name.loc, format!("deployment `{}` is abstract: it cannot be called", name.value))
                    .expected(listed(self.names()));
            } else {
                cx.unknown_name("deployment", name, self.names());
            }
        }
        found
    }
}

/// Validates all deployments.
pub fn deployments(
    resolved: &[Resolved<RawDeployment>],
    section: Loc,
    quotas: &SharedQuotas,
    places: &mut Places,
    cx: &mut Cx,
) -> Deployments {
    let mut out = Deployments {
        entries: Vec::new(),
        abstract_names: Vec::new(),
        max_input: Vec::new(),
        quota_at: Vec::new(),
        regions: Vec::new(),
    };
    let concrete = resolved.iter().filter(|r| !r.is_abstract).count();
    let too_many = concrete > MOST_DEPLOYMENTS;
    if too_many {
        cx.error(section, format!("{concrete} deployments"))
            .expected(format!("at most {MOST_DEPLOYMENTS}"))
            .help("leave out those that no pool uses, or give one deployment the quota of several");
    }
    for r in resolved {
        if r.is_abstract {
            out.abstract_names.push(r.name.value.clone());
            continue;
        }
        let mut max_input = None;
        let value = r
            .value
            .as_ref()
            .filter(|_| !too_many)
            .and_then(|raw| one(&r.name, raw, quotas, places, &mut max_input, cx));
        out.quota_at.push(r.value.as_ref().and_then(|raw| raw.quota.as_ref()).map(quota::loc));
        let region = r.value.as_ref().and_then(|raw| raw.region.as_ref());
        out.regions.push(region.map(|r| r.value.clone()).unwrap_or_default());
        out.entries.push((r.name.clone(), value));
        out.max_input.push(max_input);
    }
    for r in resolved.iter().filter(|r| !r.is_abstract) {
        let Some(to) = r.value.as_ref().and_then(|raw| raw.spill_over.as_ref()) else { continue };
        let target = spill_over(&r.name.value, to, resolved, quotas, &out, cx);
        let position = out.position(&r.name.value);
        if let Some((_, Some(deployment))) = position.map(|i| &mut out.entries[i]) {
            deployment.spill_over = target;
        }
    }
    out
}

/// Whom a deployment with provisioned throughput passes on what it refuses.
fn spill_over(
    name: &str,
    to: &At<String>,
    resolved: &[Resolved<RawDeployment>],
    quotas: &SharedQuotas,
    all: &Deployments,
    cx: &mut Cx,
) -> Option<DeploymentIx> {
    let target = all.named(to, cx)?;
    let own = all.entries[all.position(name)?].1.as_ref()?;
    let other = all.entries[target].1.as_ref()?;
    let limiter = match &own.quota {
        None => None,
        Some(QuotaUse::Own(q)) => Some(&q.limiter),
        Some(QuotaUse::Shared(q)) => Some(&quotas.entries[*q].1.as_ref()?.limiter),
    };
    if !matches!(limiter, Some(LimiterConfig::AzureProvisioned(_) | LimiterConfig::VertexProvisioned(_))) {
        cx.error(to.loc, format!("deployment `{name}` has no provisioned throughput that could spill over"))
            .expected("a `quota` of `azure_provisioned` or `vertex_provisioned`");
        return None;
    }
    let spills = resolved.iter().find(|r| r.name.value == to.value)?.value.as_ref()?.spill_over.is_some();
    let wrong = if to.value == name {
        "a deployment cannot spill over to itself"
    } else if (&other.provider, other.place) != (&own.provider, own.place) {
        "what spills over stays with the provider and in the region"
    } else if spills {
        "what spills over does not spill over again"
    } else if other.replicas.is_some() {
        "what spills over goes to a hosted deployment, not to `replicas`"
    } else {
        return Some(DeploymentIx::new(target));
    };
    cx.error(to.loc, wrong).expected(format!("a deployment of `{}` in the same region, paid as it goes", own.provider));
    None
}

fn one(
    name: &At<String>,
    raw: &RawDeployment,
    quotas: &SharedQuotas,
    places: &mut Places,
    max_input: &mut Option<(u64, Loc)>,
    cx: &mut Cx,
) -> Option<Deployment> {
    let place = raw.region.as_ref().and_then(|r| places.add(r, cx));
    let prices = raw.price.as_ref().and_then(|p| prices(p, max_input, cx));
    let latency = raw.latency.as_ref().and_then(|l| latency(l, cx));
    let factor = cx.or_at(&raw.output_factor, &d::OUTPUT_FACTOR, name.loc);
    let output_factor = cx.within_range(factor, "output_factor", 0.01..=100.0);
    let error_rate = cx.or(&raw.error_rate, &d::ERROR_RATE).value.0;
    let error = match &raw.error {
        // a default that nothing uses is no part of the result
        None if error_rate == 0.0 => ErrorClass::Unavailable,
        error => cx.or(error, &d::ERROR).value.0,
    };
    if error_rate == 0.0
        && raw.bad.is_empty()
        && let Some(e) = &raw.error
    {
        cx.error(e.loc, "an error that never happens").expected("`error_rate` above 0 beside it");
    }
    let quota = raw.quota.as_ref().and_then(|q| quota::of_deployment(q, quotas, cx));
    let concurrency = raw.concurrency.map(|c| cx.count(c, "concurrency", 1..=100_000_000));
    let replicas = super::fleets::replicas(raw, cx);
    let prompt_cache = super::prompt_cache::prompt_cache(raw, cx);
    let queue = cx.or_at(&raw.queue, &d::MODEL_QUEUE, name.loc);
    let queue = cx.count(queue, "queue", 0..=10_000_000);
    if queue > 0
        && concurrency.is_none()
        && raw.replicas.is_none()
        && let Some(q) = &raw.queue
    {
        cx.error(q.loc, "without `concurrency` nobody ever waits");
    }
    if raw.replicas.is_some() && replicas.is_none() {
        return None;
    }
    if error_rate >= 1.0
        && let Some(e) = &raw.error_rate
    {
        cx.error(e.loc, "a deployment that always fails can never do anything");
    }
    let prices = prices?;
    let (cached_price, write_price) = cache_prices(raw, &prices, cx);
    let (ttft, prefill_per_token, per_output_token) = latency?;
    Some(Deployment {
        name: name.value.clone(),
        provider: raw.provider.as_ref()?.value.clone(),
        model: raw.model.as_ref()?.value.clone(),
        place: place?,
        input_price: prices.input,
        output_price: prices.output,
        cached_price,
        write_price,
        price_source: prices.source,
        ttft,
        prefill_per_token,
        per_output_token,
        output_factor,
        quota,
        spill_over: None, // when all deployments are known
        concurrency,
        queue,
        replicas,
        prompt_cache,
        error_rate,
        error,
    })
}

/// What tokens cost.
struct Prices {
    input: Price,
    output: Price,
    cached_input: Option<Price>,
    cache_write: Option<Price>,
    source: String,
}

fn prices(p: &RawTokenPrices, max_input: &mut Option<(u64, Loc)>, cx: &mut Cx) -> Option<Prices> {
    let own = p.input.as_ref().map(|v| v.loc).or(p.output.as_ref().map(|v| v.loc));
    let (cached_input, cache_write) = (p.cached_input.map(|v| v.value.0), p.cache_write.map(|v| v.value.0));
    match (&p.catalog, own) {
        (Some(key), None) => {
            let Some(price) = super::lookup::token_price(&key.value) else {
                let help = catalog::suggest_token_price(&key.value).map(|near| format!("did you mean `{near}`?"));
                cx.error(key.loc, format!("unknown price key `{}`", key.value))
                    .expected("a key of the catalogue's token prices (`geodes catalog prices` lists them), or `input` and `output`")
                    .maybe_help(help);
                return None;
            };
            *max_input = price.max_input.map(|n| (n, key.loc));
            Some(Prices {
                input: price.input,
                output: price.output,
                cached_input: cached_input.or(price.cached_input),
                cache_write: cache_write.or(price.cache_write),
                source: price.source,
            })
        }
        (Some(key), Some(own)) => {
            cx.error(own, "both a price of the catalogue and a price of one's own")
                .expected("`catalog`, or `input` and `output`")
                .note(key.loc, "the price of the catalogue");
            None
        }
        (None, _) => match (&p.input, &p.output) {
            (Some(input), Some(output)) => {
                let (input, output) = (input.value.0, output.value.0);
                Some(Prices { input, output, cached_input, cache_write, source: "the scenario".to_owned() })
            }
            (None, None) if p.bad.is_empty() => {
                cx.error(p.loc, "no price").expected(
                    "`price.catalog = \"<key>\"`, or `price = { input = \"$3 / Mtok\", output = \"$15 / Mtok\" }`",
                );
                None
            }
            (input, output) => {
                for (missing, key) in [(input.is_none(), "input"), (output.is_none(), "output")] {
                    if missing && !p.bad.contains(&key) {
                        cx.error(p.loc, format!("missing key `{key}` in `price`"))
                            .expected(format!("`{key} = \"$15 / Mtok\"`"));
                    }
                }
                None
            }
        },
    }
}

/// The price of what is read from a prompt cache, and of what is written to it where that costs something else than input.
fn cache_prices(raw: &RawDeployment, prices: &Prices, cx: &mut Cx) -> (Price, Option<Price>) {
    let Some(_) = &raw.prompt_cache else {
        let own = raw.price.iter().flat_map(|p| [(p.cached_input, "cached_input"), (p.cache_write, "cache_write")]);
        for (price, key) in own {
            if let Some(price) = price {
                cx.error(price.loc, format!("`{key}` is the price of a prompt cache, and there is none"))
                    .expected("a `prompt_cache` beside `price`");
            }
        }
        return (prices.input, None);
    };
    if let (None, Some(key)) = (prices.cached_input, raw.price.as_ref().and_then(|p| p.catalog.as_ref())) {
        let key = format!("deployment.*.price.cached_input ({})", key.value);
        cx.used(key, "as `input`", "ASSUMPTION: no discount, since the price list states none");
    }
    let cached = prices.cached_input.unwrap_or(prices.input);
    if let Some(stated) = raw.price.as_ref().and_then(|p| p.cached_input).filter(|_| cached > prices.input) {
        cx.warning(stated.loc, "reading from the cache costs more than input that is not cached");
    }
    (cached, prices.cache_write)
}

fn latency(l: &RawLatency, cx: &mut Cx) -> Option<(DistSpec, Span, DistSpec)> {
    let preset = match &l.preset {
        None => None,
        Some(key) => match super::lookup::preset(&key.value) {
            Some(p) => Some(p),
            None => {
                let names = super::lookup::preset_names();
                let help = did_you_mean(&key.value, names.iter().copied());
                cx.error(key.loc, format!("unknown latency preset `{}`", key.value))
                    .expected(listed(names.iter().copied()))
                    .maybe_help(help);
                return None;
            }
        },
    };
    if preset.is_none() {
        for (missing, key) in [(l.ttft.is_none(), "ttft"), (l.per_output_token.is_none(), "per_output_token")] {
            if missing && !l.bad.contains(&key) && !l.bad.contains(&"preset") {
                cx.error(l.loc, format!("missing key `{key}` in `latency`")).expected(format!(
                    "`{key}.lognormal = {{ p50 = \"...\", p95 = \"...\" }}`, or `preset = \"<name>\"`: {}",
                    listed(super::lookup::preset_names().iter().copied())
                ));
            }
        }
    }
    if let (Some(p), Some(key)) = (&preset, &l.preset) {
        let used = [
            ("ttft", l.ttft.is_none(), lognormal(p.ttft, 1e3, "ms")),
            ("per_output_token", l.per_output_token.is_none(), lognormal(p.per_output_token, 1e3, "ms")),
        ];
        for (part, missing, value) in used {
            if missing {
                cx.used(format!("deployment.*.latency.{part} ({})", key.value), value, p.source.clone());
            }
        }
    }
    let dist = |d: (f64, f64)| DistSpec::LogNormal { p50: d.0, p95: d.1 };
    let ttft = match &l.ttft {
        Some(own) => durations(own, cx),
        None => preset.as_ref().map(|p| dist(p.ttft)),
    };
    let per_output_token = match &l.per_output_token {
        Some(own) => durations(own, cx),
        None => preset.as_ref().map(|p| dist(p.per_output_token)),
    };
    let prefill = cx.or(&l.prefill_per_token, &d::PREFILL).value;
    Some((ttft?, prefill, per_output_token?))
}

/// A log-normal as it would be written; `scale` turns seconds into `unit`.
fn lognormal((p50, p95): (f64, f64), scale: f64, unit: &str) -> String {
    let r = |x: f64| libm::round(x * scale * 1e3) / 1e3;
    format!("{{ lognormal = {{ p50 = \"{} {unit}\", p95 = \"{} {unit}\" }} }}", r(p50), r(p95))
}
