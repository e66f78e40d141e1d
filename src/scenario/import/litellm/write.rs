//! The scenario as text: deployments, and LiteLLM with its settings as the gateway of one topology.

use super::place::{Endpoint, per_mtok};
use crate::routing::litellm::Policy;
use crate::routing::litellm::config::{
    BudgetTime, Config, Deployment, FailureCounting, Fallbacks, GroupKind, Limit, RoutingGroup, Strategy, StrategyArgs,
    Target,
};
use crate::units::Span;
use std::fmt::Write as _;

/// A text as a TOML string.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A name as a TOML key.
fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if bare { name.to_owned() } else { quoted(name) }
}

/// A number with at most so many decimals and no superfluous zeros.
pub(super) fn decimal(x: f64, decimals: usize) -> String {
    let text = format!("{x:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A duration, exact to the nanosecond.
pub(super) fn duration(span: Span) -> String {
    let n = span.nanos();
    for (unit, nanos) in [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)] {
        if n.is_multiple_of(nanos) {
            return format!("\"{} {unit}\"", n / nanos);
        }
    }
    format!("\"{n} ns\"")
}

fn list<'a>(items: impl IntoIterator<Item = &'a str>) -> String {
    format!("[{}]", items.into_iter().map(quoted).collect::<Vec<_>>().join(", "))
}

fn period(per: BudgetTime) -> String {
    match per {
        BudgetTime::Span(span) => duration(span),
        BudgetTime::Months(n) => format!("\"{n} mo\""),
    }
}

fn money(dollars: f64) -> String {
    format!("\"${}\"", decimal(dollars, 9))
}

/// Writes `key = value` where the value is there.
struct Keys<'a>(&'a mut String);

impl Keys<'_> {
    fn put(&mut self, key: &str, value: impl AsRef<str>) {
        let _ = writeln!(self.0, "{key} = {}", value.as_ref());
    }
    fn some<T>(&mut self, key: &str, value: Option<T>, text: impl Fn(T) -> String) {
        if let Some(value) = value {
            self.put(key, text(value));
        }
    }
    fn flag(&mut self, key: &str, value: bool) {
        if value {
            self.put(key, "true");
        }
    }
    fn unless<T: PartialEq>(&mut self, key: &str, value: T, default: T, text: impl Fn(T) -> String) {
        if value != default {
            self.put(key, text(value));
        }
    }
}

/// A deployment of the scenario.
pub(super) fn deployment(out: &mut String, name: &str, e: &Endpoint) {
    let _ = writeln!(out, "[deployment.{}]", key(name));
    let mark = |g: &super::place::Guess| if g.said { String::new() } else { format!(" # DEFAULT: {}", g.why) };
    let _ = writeln!(out, "provider = {}{}", quoted(&e.provider.value), mark(&e.provider));
    let _ = writeln!(out, "model = {}", quoted(&e.model));
    let _ = writeln!(out, "region = {}{}", quoted(&e.region.value), mark(&e.region));
    let _ = writeln!(out, "price = {}{}", e.price.value, mark(&e.price));
    let _ = writeln!(out, "latency.preset = {}{}", quoted(&e.latency.value), mark(&e.latency));
    for (key, variable) in &e.references {
        let _ = writeln!(out, "# {key}: os.environ/{variable}");
    }
    out.push('\n');
}

/// The table `gateway.litellm` of a topology. `names` are the deployments of the entries.
pub(super) fn gateway(out: &mut String, heading: &str, c: &Config, names: &[String], model: &str) {
    let d = Config::default();
    let _ = writeln!(out, "[{heading}]");
    let mut k = Keys(out);
    k.put("model", format!("{} # DEFAULT: what turns ask for", quoted(model)));
    k.unless("routing_strategy", c.strategy, Strategy::SimpleShuffle, |s| quoted(s.name()));
    k.unless("routing_strategy_args", c.strategy_args, StrategyArgs::default(), args);
    if !c.routing_groups.is_empty() {
        let groups: Vec<String> = c.routing_groups.iter().map(|g| format!("  {},", routing_group(g))).collect();
        k.put("routing_groups", format!("[\n{}\n]", groups.join("\n")));
    }
    if !c.aliases.is_empty() {
        let all = c.aliases.iter().map(|(alias, model)| format!("{} = {}", key(alias), quoted(model)));
        k.put("model_group_alias", braces(all));
    }
    k.unless("num_retries", c.num_retries, d.num_retries, |n| n.to_string());
    k.unless("retry_after", c.retry_after_s, d.retry_after_s, |s| duration(Span::from_secs_f64(s)));
    k.some("retry_policy", c.retry_policy.as_ref(), policy);
    if !c.model_retry_policies.is_empty() {
        let all = c.model_retry_policies.iter().map(|(model, p)| format!("{} = {}", key(model), policy(p)));
        k.put("model_group_retry_policy", braces(all));
    }
    k.unless("allowed_fails", c.allowed_fails, d.allowed_fails, |n| n.to_string());
    k.unless("library_allowed_fails", c.library_allowed_fails, d.library_allowed_fails, |n| n.to_string());
    k.some("allowed_fails_policy", c.allowed_fails_policy.as_ref(), policy);
    k.unless("cooldown_time", c.cooldown_time, d.cooldown_time, duration);
    k.flag("disable_cooldowns", c.disable_cooldowns);
    let (general, star) = chains(c.fallbacks.as_ref());
    k.some("fallbacks", general, |text| text);
    k.some("default_fallbacks", star, |targets| targets_of(&targets));
    for (name, lists) in [
        ("context_window_fallbacks", &c.context_window_fallbacks),
        ("content_policy_fallbacks", &c.content_policy_fallbacks),
    ] {
        let (own, star) = chains(lists.as_ref());
        let star = star.map(|t| format!("{{ \"*\" = {} }}", targets_of(&t)));
        k.some(name, join(own, star), |text| text);
    }
    k.unless("max_fallbacks", c.max_fallbacks, d.max_fallbacks, |n| n.to_string());
    k.flag("enable_pre_call_checks", c.pre_call_checks);
    k.flag("enable_tag_filtering", c.tag_filtering);
    k.unless("tag_filtering_match_any", c.tag_match_any, d.tag_match_any, |b| b.to_string());
    k.unless("tag_routing_prefix", c.tag_prefix.as_str(), "", quoted);
    k.flag("enable_weighted_failover", c.weighted_failover);
    k.flag("enforce_model_rate_limits", c.enforce_rate_limits);
    k.some("default_max_parallel_requests", c.default_max_parallel, |n| n.to_string());
    let budget = |name: &str, max: f64, per| {
        format!("{} = {{ budget_limit = {}, time_period = {} }}", key(name), money(max), period(per))
    };
    let providers = c.provider_budgets.iter().filter_map(|(name, max, per)| Some(budget(name, (*max)?, *per)));
    let providers: Vec<String> = providers.collect();
    if !providers.is_empty() {
        k.put("provider_budget_config", braces(providers));
    }
    if !c.tag_budgets.is_empty() {
        k.put("tag_budget_config", braces(c.tag_budgets.iter().map(|(tag, b)| budget(tag, b.max, b.per))));
    }
    k.some("timeout", c.timeout, duration);
    k.some("stream_timeout", c.stream_timeout, duration);
    k.some("request_timeout", c.request_timeout, duration);
    k.put("failure_counting", if c.counting == FailureCounting::Proxy { "\"proxy\"" } else { "\"sdk\"" });
    for (entry, name) in c.deployments.iter().zip(names) {
        let _ = writeln!(out, "\n[[{heading}.model_list]]");
        model_list_entry(out, entry, name);
    }
}

fn model_list_entry(out: &mut String, e: &Deployment, deployment: &str) {
    let mut k = Keys(out);
    k.put("model_name", quoted(&e.model_name));
    k.put("deployment", quoted(deployment));
    k.put("id", quoted(&e.id));
    k.put("model", quoted(&e.model));
    k.some("custom_llm_provider", e.provider.as_deref(), quoted);
    let count = |n: u64| n.to_string();
    let small = |n: u32| n.to_string();
    let anywhere = |l: Limit| l.params.or(l.entry).or(l.info);
    k.some("weight", e.weight, |w| format!("{w:?}"));
    k.some("rpm", anywhere(e.rpm), count);
    k.some("tpm", anywhere(e.tpm), count);
    k.some("itpm", e.itpm, count);
    k.some("otpm", e.otpm, count);
    k.some("order", e.order, |n| n.to_string());
    k.some("max_parallel_requests", e.max_parallel_requests, small);
    k.some("timeout", e.timeout, duration);
    k.some("stream_timeout", e.stream_timeout, duration);
    k.some("num_retries", e.num_retries, small);
    k.some("cooldown_time", e.cooldown_time, duration);
    k.some("region_name", e.region_name.as_deref(), quoted);
    if !e.tags.is_empty() {
        k.put("tags", list(e.tags.iter().map(String::as_str)));
    }
    if let Some(b) = e.budget {
        k.put("max_budget", money(b.max));
        k.put("budget_duration", period(b.per));
    }
    k.some("input_cost_per_token", e.input_cost_per_token, |p| quoted(&per_mtok(p)));
    k.some("output_cost_per_token", e.output_cost_per_token, |p| quoted(&per_mtok(p)));
    k.some("max_input_tokens", e.max_input_tokens, count);
    k.some("max_output_tokens", e.max_output_tokens, count);
    k.flag("blocked", e.blocked);
    k.some("allowed_fails", e.allowed_fails, small);
    k.some("allowed_fails_policy", e.allowed_fails_policy.as_ref(), policy);
    k.some("enable_tag_filtering", e.enable_tag_filtering, |b| b.to_string());
    k.flag("allow_fail_open", e.allow_fail_open);
}

fn braces(items: impl IntoIterator<Item = String>) -> String {
    let items: Vec<String> = items.into_iter().collect();
    if items.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", items.join(", ")) }
}

/// Two inline tables as one.
fn join(a: Option<String>, b: Option<String>) -> Option<String> {
    match (a, b) {
        (Some(a), Some(b)) => Some(format!("{}, {}", a.trim_end_matches(" }"), b.trim_start_matches("{ "))),
        (a, b) => a.or(b),
    }
}

fn targets_of(targets: &[Target]) -> String {
    list(targets.iter().filter_map(|t| t.model.as_deref()))
}

/// Chains by model, and the one of `*`: the last there is, as LiteLLM looks it up. A plain list is the chain of all.
fn chains(lists: Option<&Fallbacks>) -> (Option<String>, Option<Vec<Target>>) {
    match lists {
        None => (None, None),
        Some(Fallbacks::List(targets)) => (None, Some(targets[targets.len().saturating_sub(1)..].to_vec())),
        Some(Fallbacks::Chains(chains)) => {
            let mut seen: Vec<&str> = Vec::new();
            let mut own = Vec::new();
            for (model, targets) in chains.iter().filter(|(m, _)| m != "*") {
                // the first of a name counts
                if !seen.contains(&model.as_str()) {
                    seen.push(model);
                    own.push(format!("{} = {}", key(model), targets_of(targets)));
                }
            }
            let star = chains.iter().rfind(|(m, _)| m == "*").map(|(_, t)| t.clone());
            ((!own.is_empty()).then(|| braces(own)), star)
        }
    }
}

fn args(a: StrategyArgs) -> String {
    let d = StrategyArgs::default();
    let mut all = Vec::new();
    if a.ttl != d.ttl {
        all.push(format!("ttl = {}", duration(a.ttl)));
    }
    if a.lowest_latency_buffer != d.lowest_latency_buffer {
        all.push(format!("lowest_latency_buffer = {:?}", a.lowest_latency_buffer));
    }
    if a.max_latency_list_size != d.max_latency_list_size {
        all.push(format!("max_latency_list_size = {}", a.max_latency_list_size));
    }
    all.extend(a.ttft_percentile.map(|p| format!("ttft_percentile = {p:?}")));
    braces(all)
}

fn routing_group(g: &RoutingGroup) -> String {
    let mut all = vec![
        format!("group_name = {}", quoted(&g.name)),
        format!("models = {}", list(g.models.iter().map(String::as_str))),
    ];
    match &g.kind {
        GroupKind::Strategy(strategy, a) => {
            all.push(format!("routing_strategy = {}", quoted(strategy.name())));
            if *a != StrategyArgs::default() {
                all.push(format!("routing_strategy_args = {}", args(*a)));
            }
        }
        GroupKind::Priority(numbers) => {
            let of = g.models.iter().zip(numbers).map(|(m, n)| format!("{} = {n}", key(m)));
            all.push(format!("model_priorities = {}", braces(of)));
        }
    }
    braces(all)
}

fn policy(p: &Policy) -> String {
    let fields = [
        ("bad_request", p.bad_request),
        ("authentication", p.authentication),
        ("timeout", p.timeout),
        ("rate_limit", p.rate_limit),
        ("content_policy_violation", p.content_policy),
        ("internal_server", p.internal_server),
        ("service_unavailable", p.service_unavailable),
        ("bad_gateway", p.bad_gateway),
        ("not_found", p.not_found),
        ("default", p.default),
    ];
    braces(fields.iter().filter_map(|(name, n)| n.map(|n| format!("{name} = {n}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_numbers() {
        assert_eq!(quoted("a\"b\\c\n"), "\"a\\\"b\\\\c\\u000A\"");
        assert_eq!((key("gpt-4o"), key("gpt-4.1")), ("gpt-4o".to_owned(), "\"gpt-4.1\"".to_owned()));
        assert_eq!(
            (decimal(2.5, 6), decimal(10.0, 6), decimal(0.000_001, 6)),
            ("2.5".into(), "10".into(), "0.000001".into())
        );
        assert_eq!(duration(Span::from_millis(1500)), "\"1500 ms\"");
        assert_eq!(duration(Span::from_secs(60)), "\"60 s\"");
        assert_eq!(join(Some("{ a = [] }".into()), Some("{ \"*\" = [] }".into())).unwrap(), "{ a = [], \"*\" = [] }");
    }
}
