//! Which router a topology's gateways run, and the keys that only geodes' own router reads.

use super::bifrost;
use super::litellm;
use super::models::Deployments;
use super::portkey;
use crate::routing::outcome::ErrorSet;
use crate::routing::retry::{Backoff, Delay, Jitter};
use crate::scenario::decode::Cx;
use crate::scenario::defaults as d;
use crate::scenario::diagnostic::{At, Loc};
use crate::scenario::model::{Gateway, Pool, RetrySpec};
use crate::scenario::raw::{RawGateway, RawScenario, RawTimeout, RawTopology};
use crate::units::Span;

/// What a gateway's settings may name.
pub struct Known<'a> {
    /// The deployments.
    pub deployments: &'a Deployments,
    /// Workloads in order.
    pub workloads: Vec<&'a str>,
    /// Residency classes in order.
    pub classes: Vec<&'a str>,
}

impl<'a> Known<'a> {
    /// The names of a scenario.
    pub fn new(raw: &'a RawScenario, deployments: &'a Deployments) -> Known<'a> {
        Known {
            deployments,
            workloads: raw.workload.iter().flat_map(|w| w.names()).collect(),
            classes: raw.residency.iter().flat_map(|r| r.names()).collect(),
        }
    }

    /// The position of a workload, if one is named; an error if there is none of that name.
    pub fn workload(&self, name: Option<&At<String>>, cx: &mut Cx) -> Option<Option<usize>> {
        position(name, "workload", &self.workloads, cx)
    }

    /// The same of a residency class.
    pub fn class(&self, name: Option<&At<String>>, cx: &mut Cx) -> Option<Option<usize>> {
        position(name, "residency class", &self.classes, cx)
    }
}

fn position(name: Option<&At<String>>, what: &str, names: &[&str], cx: &mut Cx) -> Option<Option<usize>> {
    let Some(name) = name else { return Some(None) };
    let found = names.iter().position(|n| *n == name.value);
    if found.is_none() {
        cx.unknown_name(what, name, names.iter().copied());
    }
    found.map(Some)
}

/// What a product's settings come to.
pub struct Product {
    /// The router.
    pub gateway: Gateway,
    /// Its groups of deployments, as the rest of the world sees them.
    pub chain: Vec<Pool>,
    /// The longest time-outs of calls: to the first token of a stream, and of a whole answer.
    pub timeouts: (Span, Span),
}

/// The product that a topology has as its gateway; `None` if it has none, or a broken one.
pub fn product(name: &At<String>, t: &RawTopology, known: &Known<'_>, cx: &mut Cx) -> Option<Product> {
    let gateway = t.gateway.as_ref()?;
    refuse(name, t, gateway, cx);
    match gateway {
        RawGateway::LiteLlm(raw) => litellm::gateway(raw, known, cx),
        RawGateway::Portkey(raw) => portkey::gateway(raw, known, cx),
        RawGateway::Bifrost(raw) => bifrost::gateway(raw, known, cx),
    }
}

/// The time-outs of calls that a product makes; nothing else of the topology's retries means anything for it.
pub fn timeouts(t: &RawTopology, product: &Product, cx: &mut Cx) -> RetrySpec {
    let timeout = t.timeout.clone().unwrap_or_else(|| RawTimeout::empty(t.loc));
    let connect = cx.or_at(&timeout.connect, &d::TIMEOUT_CONNECT, timeout.loc);
    let none = Backoff { base: Span::ZERO, cap: Span::ZERO, jitter: Jitter::None };
    RetrySpec {
        attempts_per_pool: 1,
        delay: Delay::Backoff(none),
        budget: None,
        hedging: None,
        on: ErrorSet::default(),
        connect_timeout: cx.positive(connect, "connect"),
        first_token_timeout: product.timeouts.0,
        total_timeout: product.timeouts.1,
    }
}

/// Keys of the own router beside a product: they would be without effect.
fn refuse(name: &At<String>, t: &RawTopology, gateway: &RawGateway, cx: &mut Cx) {
    let (product, at, instead): (_, Loc, fn(&str) -> &'static str) = match gateway {
        RawGateway::LiteLlm(raw) => ("litellm", raw.loc, |key| match key {
            "chain" => "`fallbacks` of the gateway",
            "retry" => "`num_retries` and `retry_policy` of the gateway",
            "limits" => "`enforce_model_rate_limits` of the gateway",
            "timeout.first_token" => "`stream_timeout` of the gateway",
            "timeout.total" => "`timeout` of the gateway",
            _ => "`cooldown_time`, `allowed_fails` and their policies in the gateway",
        }),
        RawGateway::Portkey(raw) => ("portkey", raw.loc, |key| match key {
            "chain" => "`strategy` and `targets` of the gateway",
            "retry" => "`retry` of the gateway",
            "limits" => "quotas of the deployments",
            "timeout.first_token" | "timeout.total" => "`request_timeout` of the gateway",
            _ => "`cb_config` of the gateway",
        }),
        RawGateway::Bifrost(raw) => ("bifrost", raw.loc, |key| match key {
            "chain" => "`weights` and `fallbacks` of the gateway",
            "retry" => "`max_retries` of the gateway's providers",
            "limits" => "quotas of the deployments",
            "timeout.first_token" | "timeout.total" => "`default_request_timeout` of the gateway's providers",
            _ => "nothing like it: Bifrost learns nothing from request to request",
        }),
    };
    let timeout =
        |which: fn(&RawTimeout) -> &Option<At<Span>>| t.timeout.as_ref().and_then(|t| which(t).as_ref()).map(|v| v.loc);
    let breaker = t.breaker.as_ref().map(|b| match b {
        crate::scenario::raw::RawBreaker::Resilience4j(r) => r.loc,
        crate::scenario::raw::RawBreaker::Hystrix(h) => h.loc,
    });
    let throttle = t.throttle.as_ref().map(|b| match b {
        crate::scenario::raw::RawThrottle::Sre(s) => s.loc,
        crate::scenario::raw::RawThrottle::AwsAdaptive(n) => n.loc,
    });
    for (key, loc) in [
        ("chain", t.chain.as_ref().map(|c| c.loc)),
        ("retry", t.retry.as_ref().map(|r| r.loc)),
        ("cooldown", t.cooldown.as_ref().map(|c| c.loc)),
        ("outlier", t.outlier.as_ref().map(|o| o.loc)),
        ("active_health", t.active_health.as_ref().map(|h| h.loc)),
        ("breaker", breaker),
        ("throttle", throttle),
        ("limits", t.limits.as_ref().map(|l| l.loc)),
        ("timeout.first_token", timeout(|t| &t.first_token)),
        ("timeout.total", timeout(|t| &t.total)),
    ] {
        let Some(loc) = loc else { continue };
        let message =
            format!("`{key}` belongs to the own router, but topology `{}` has `gateway.{product}`", name.value);
        cx.error(loc, message)
            .note(at, "the gateway")
            .help(format!("leave it out, or put it into topologies without `gateway`; see {}", instead(key)));
    }
}
