//! Bifrost as a gateway: names become positions, numbers are checked, and what could never do anything is an error.

use super::gateway::{Known, Product};
use super::portkey::chain;
use crate::routing::bifrost::config::{MAX_LIST, MAX_RETRIES};
use crate::routing::bifrost::{Config, Provider, ProviderKey, Router, VirtualKey};
use crate::scenario::decode::{Cx, List, Named};
use crate::scenario::defaults as d;
use crate::scenario::diagnostic::{At, Loc};
use crate::scenario::model::{BifrostAsk, BifrostGateway, Gateway};
use crate::scenario::raw::{RawBifrostGateway, RawBifrostProvider};
use crate::units::{DeploymentIx, Span};

/// The gateway; `None` if something about it is wrong.
pub fn gateway(raw: &RawBifrostGateway, known: &Known<'_>, cx: &mut Cx) -> Option<Product> {
    let before = cx.errors();
    let list = raw.provider.as_ref()?;
    if list.entries.is_empty() || list.entries.len() > MAX_LIST {
        cx.error(list.loc, format!("{} providers", list.entries.len())).expected(format!("1 to {MAX_LIST}"));
        return None;
    }
    let names: Vec<&str> = list.names().collect();
    let providers: Vec<Option<Provider>> = list.good().map(|(name, p)| provider(&name.value, p, known, cx)).collect();
    let (mut asks, mut virtual_keys) = (Vec::new(), Vec::new());
    for own in raw.virtual_key.iter().flat_map(|l| &l.items) {
        let ask = known.workload(own.workload.as_ref(), cx).zip(known.class(own.residency.as_ref(), cx));
        let read = virtual_key(own.weights.as_ref(), own.fallbacks.as_ref(), &names, own.loc, cx);
        asks.extend(ask.map(|(workload, class)| BifrostAsk { workload, class }));
        virtual_keys.extend(read);
    }
    asks.push(BifrostAsk { workload: None, class: None });
    virtual_keys.extend(virtual_key(raw.weights.as_ref(), raw.fallbacks.as_ref(), &names, raw.loc, cx));
    for (i, name) in names.iter().enumerate() {
        let of = |k: &VirtualKey| {
            k.weights.iter().any(|(p, _)| *p == i) || k.fallbacks.as_ref().is_some_and(|list| list.contains(&i))
        };
        if cx.errors() == before && !virtual_keys.iter().any(of) {
            cx.error(list.entries[i].0.loc, format!("no virtual key has the provider `{name}`"))
                .help("a share in `weights`, or a place in `fallbacks`");
        }
    }
    if cx.errors() > before || providers.len() < names.len() {
        return None;
    }
    let config = Config { providers: providers.into_iter().collect::<Option<_>>()?, virtual_keys };
    let router = match Router::new(config.clone()) {
        Ok(router) => router,
        Err(e) => {
            cx.error(raw.loc, format!("Bifrost could not work with this: {e}"));
            return None;
        }
    };
    let longest = config.providers.iter().map(|p| p.request_timeout).max().expect("there are providers");
    let (mut all, mut first): (Vec<DeploymentIx>, Vec<DeploymentIx>) = (Vec::new(), Vec::new());
    for key in (0..asks.len()).rev() {
        let (others, own) = router.reach(key);
        all.extend(others);
        first.extend(own);
    }
    Some(Product {
        chain: chain(&all, &first),
        timeouts: (longest, longest),
        gateway: Gateway::Bifrost(Box::new(BifrostGateway { config, asks })),
    })
}

fn provider(name: &str, raw: &RawBifrostProvider, known: &Known<'_>, cx: &mut Cx) -> Option<Provider> {
    let list = raw.keys.as_ref()?;
    if list.written == 0 || list.written > MAX_LIST {
        cx.error(list.loc, format!("{} keys", list.written)).expected(format!("1 to {MAX_LIST}"));
        return None;
    }
    let mut keys = Vec::new();
    for key in &list.items {
        let weight = cx.or_at(&key.weight, &d::BIFROST_KEY_WEIGHT, key.loc);
        let weight = cx.within_range(weight, "weight", 0.0..=1e6);
        let Some(deployment) = key.deployment.as_ref().and_then(|d| known.deployments.named(d, cx)) else { continue };
        let degraded = key.degraded.is_some_and(|v| v.value);
        keys.push(ProviderKey { deployment: DeploymentIx::new(deployment), weight, degraded });
    }
    if keys.len() < list.written {
        return None;
    }
    if keys.iter().all(|k| k.weight == 0.0) {
        cx.error(list.loc, "all keys have the weight 0, so none is ever used");
    }
    let retries = cx.or_at(&raw.max_retries, &d::BIFROST_RETRIES, raw.loc);
    let initial = cx.or_at(&raw.retry_backoff_initial, &d::BIFROST_BACKOFF, raw.loc);
    let most = cx.or_at(&raw.retry_backoff_max, &d::BIFROST_BACKOFF_MAX, raw.loc);
    let timeout = cx.or_at(&raw.default_request_timeout, &d::BIFROST_TIMEOUT, raw.loc);
    let hour = Span::from_hours(1);
    let retry_backoff_initial = cx.within_range(initial, "retry_backoff_initial", Span::from_millis(1)..=hour);
    let retry_backoff_max = cx.within_range(most, "retry_backoff_max", Span::from_millis(1)..=hour);
    if retry_backoff_initial > retry_backoff_max {
        cx.error(initial.loc, format!("the first pause is longer than the longest, {retry_backoff_max}"))
            .note(most.loc, "the longest");
    }
    Some(Provider {
        name: name.to_owned(),
        keys,
        max_retries: cx.count(retries, "max_retries", 0..=MAX_RETRIES),
        retry_backoff_initial,
        retry_backoff_max,
        request_timeout: cx.positive(timeout, "default_request_timeout"),
    })
}

fn virtual_key(
    weights: Option<&Named<At<f64>>>,
    fallbacks: Option<&List<At<String>>>,
    names: &[&str],
    at: Loc,
    cx: &mut Cx,
) -> Option<VirtualKey> {
    let weights = weights?;
    let position = |name: &At<String>, cx: &mut Cx| {
        let found = names.iter().position(|n| *n == name.value);
        if found.is_none() {
            cx.unknown_name("provider", name, names.iter().copied());
        }
        found
    };
    let mut read = Vec::new();
    for (name, weight) in weights.good() {
        let weight = cx.within_range(*weight, "weight", 0.0..=1e6);
        read.extend(position(name, cx).map(|p| (p, weight)));
    }
    if read.len() == weights.entries.len() && read.iter().all(|(_, w)| *w == 0.0) {
        cx.error(weights.loc, "no provider has a share of first attempts").expected("at least one positive weight");
    }
    let Some(list) = fallbacks else { return Some(VirtualKey { weights: read, fallbacks: None }) };
    if list.written == 0 {
        cx.error(list.loc, "a list of no fallbacks").help("without `fallbacks` the other providers follow");
    }
    let mut first = read.iter().filter(|(_, w)| *w > 0.0);
    let only = first.next().filter(|_| first.next().is_none()).map(|(p, _)| *p);
    let mut follow: Vec<usize> = Vec::new();
    for name in &list.items {
        let Some(p) = position(name, cx) else { continue };
        if only == Some(p) {
            cx.error(name.loc, format!("`{}` falls back to itself", name.value))
                .note(at, "no other provider is ever first");
        } else if follow.contains(&p) {
            cx.error(name.loc, format!("the provider `{}` follows twice", name.value));
        }
        follow.push(p);
    }
    Some(VirtualKey { weights: read, fallbacks: Some(follow) })
}
