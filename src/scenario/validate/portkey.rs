//! Portkey as a gateway: names become a tree, numbers are checked, and what could never do anything is an error.

use super::gateway::{Known, Product};
use crate::routing::balance::Choose;
use crate::routing::portkey::config::{MAX_DEPTH, MAX_NODES, MAX_RETRIES, MAX_TARGETS};
use crate::routing::portkey::{
    CircuitConfig, Condition, Config, Mode, Retry, Router, Settings, Strategy, Target, What,
};
use crate::scenario::decode::{Cx, List};
use crate::scenario::defaults as d;
use crate::scenario::diagnostic::At;
use crate::scenario::model::{Gateway, Pool, PortkeyAsk, PortkeyGateway};
use crate::scenario::raw::{
    RawPortkeyCircuit, RawPortkeyConditional, RawPortkeyGateway, RawPortkeyRequest, RawPortkeyRetry,
    RawPortkeyStrategy, RawPortkeyTarget,
};
use crate::scenario::suggest::listed;
use crate::units::{DeploymentIx, Span};

/// The gateway; `None` if something about it is wrong.
pub fn gateway(raw: &RawPortkeyGateway, known: &Known<'_>, cx: &mut Cx) -> Option<Product> {
    let before = cx.errors();
    let asks = asks(raw, known, cx);
    let fields = fields(raw);
    let mut tree = Tree { raw, known, fields, built: Vec::new(), way: Vec::new(), circuits: false };
    let root = tree.root(cx);
    let named = || raw.target.iter().flat_map(|t| &t.entries).map(|(n, _)| n);
    let unused: Vec<&At<String>> = named().filter(|n| !tree.knows(&n.value)).collect();
    for name in named() {
        // what nothing leads to may be wrong all the same
        tree.target(name, cx);
    }
    if cx.errors() > before {
        return None;
    }
    weights(raw, &unused, cx);
    for name in unused {
        cx.warning(name.loc, format!("no strategy leads to the target `{}`", name.value));
    }
    let config = Config { root: root? };
    let router = match Router::new(&config) {
        Ok(router) => router,
        Err(e) => {
            cx.error(raw.loc, format!("Portkey could not work with this: {e}"));
            return None;
        }
    };
    let longest = router.timeouts().max().expect("a tree has a leaf");
    let names = router.names().map(str::to_owned).collect();
    let reach = router.reach(None);
    let gateway = PortkeyGateway { config, names, asks };
    Some(Product {
        chain: chain(&reach.deployments, &reach.first),
        timeouts: (longest, longest),
        gateway: Gateway::Portkey(Box::new(gateway)),
    })
}

/// Weights that nobody looks at, because no strategy that shares the load leads to their target.
fn weights(raw: &RawPortkeyGateway, unused: &[&At<String>], cx: &mut Cx) {
    let targets = || raw.target.iter().flat_map(|t| t.good());
    let root = raw.strategy.iter().zip(&raw.targets);
    let strategies = root.chain(targets().filter_map(|(_, t)| t.strategy.as_ref().zip(t.targets.as_ref())));
    let shared: Vec<&str> = strategies
        .filter(|(strategy, _)| matches!(strategy, RawPortkeyStrategy::LoadBalance(_)))
        .flat_map(|(_, list)| list.items.iter().map(|name| name.value.as_str()))
        .collect();
    for (name, target) in targets() {
        let led_to = !unused.iter().any(|u| u.value == name.value);
        if let Some(weight) = target.weight.filter(|_| led_to && !shared.contains(&name.value.as_str())) {
            cx.warning(weight.loc, "`weight` has no effect")
                .help(format!("no strategy `loadbalance` has `{}` among its targets", name.value));
        }
    }
}

/// Fields that conditions may look at.
fn fields(raw: &RawPortkeyGateway) -> Vec<String> {
    let requests = || raw.request.iter().flat_map(|l| &l.items);
    let mut fields = vec!["params.stream".to_owned(), "params.max_tokens".to_owned()];
    if raw.model.is_some() || requests().any(|r| r.model.is_some()) {
        fields.push("params.model".to_owned());
    }
    fields.extend(PortkeyGateway::METADATA.map(|m| format!("metadata.{m}")));
    for name in requests().flat_map(|r| &r.metadata).flat_map(|m| m.names()) {
        let field = format!("metadata.{name}");
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    fields
}

/// The tree while it is built.
struct Tree<'a, 'k> {
    raw: &'a RawPortkeyGateway,
    known: &'a Known<'k>,
    fields: Vec<String>,
    /// Targets that are done, with their number of nodes; `None`: broken.
    built: Vec<(&'a str, Option<(Target, usize)>)>,
    /// Targets above the one that is being built.
    way: Vec<&'a str>,
    /// Some target has a circuit.
    circuits: bool,
}

/// Settings as written.
struct Written<'a> {
    retry: &'a Option<RawPortkeyRetry>,
    request_timeout: &'a Option<At<Span>>,
    cb_config: &'a Option<RawPortkeyCircuit>,
}

impl<'a> Tree<'a, '_> {
    fn root(&mut self, cx: &mut Cx) -> Option<Target> {
        let raw = self.raw;
        let any = |t: &RawPortkeyTarget| t.cb_config.is_some();
        self.circuits = raw.cb_config.is_some() || raw.target.iter().flat_map(|t| t.good()).any(|(_, t)| any(t));
        let (retry, request_timeout, cb_config) = (&raw.retry, &raw.request_timeout, &raw.cb_config);
        let settings = settings(&Written { retry, request_timeout, cb_config }, cx);
        let (strategy, _) = self.strategy(raw.strategy.as_ref()?, raw.targets.as_ref()?, cx)?;
        Some(Target { name: "the root".to_owned(), weight: 1.0, settings, what: What::Strategy(strategy) })
    }

    fn knows(&self, name: &str) -> bool {
        self.built.iter().any(|(n, _)| *n == name)
    }

    /// A target by its name, or that of a deployment, and its number of nodes.
    fn target(&mut self, name: &'a At<String>, cx: &mut Cx) -> Option<(Target, usize)> {
        let named = self.raw.target.as_ref().and_then(|t| t.entries.iter().find(|(n, _)| n.value == name.value));
        let Some((own, raw)) = named else {
            let deployment = self.deployment(name, true, cx)?;
            let what = What::Deployment { deployment, degraded: false };
            return Some((Target { name: name.value.clone(), weight: 1.0, settings: Settings::default(), what }, 1));
        };
        if self.way.contains(&own.value.as_str()) {
            cx.error(name.loc, format!("the target `{}` leads to itself", own.value)).note(own.loc, "the target");
            return None;
        }
        if let Some((_, built)) = self.built.iter().find(|(n, _)| *n == own.value) {
            return built.clone();
        }
        self.way.push(&own.value);
        let built = raw.as_ref().and_then(|raw| self.named(&own.value, raw, cx));
        self.way.pop();
        self.built.push((&own.value, built.clone()));
        built
    }

    fn deployment(&self, name: &At<String>, or_target: bool, cx: &mut Cx) -> Option<DeploymentIx> {
        let deployments = self.known.deployments;
        if or_target && deployments.position(&name.value).is_none() && !deployments.abstract_names.contains(&name.value)
        {
            let targets = self.raw.target.iter().flat_map(|t| t.names());
            cx.unknown_name("target", name, targets.chain(deployments.names()));
            return None;
        }
        deployments.named(name, cx).map(DeploymentIx::new)
    }

    fn named(&mut self, name: &str, raw: &'a RawPortkeyTarget, cx: &mut Cx) -> Option<(Target, usize)> {
        let RawPortkeyTarget { retry, request_timeout, cb_config, .. } = raw;
        let settings = settings(&Written { retry, request_timeout, cb_config }, cx);
        let weight = cx.or_at(&raw.weight, &d::PORTKEY_WEIGHT, raw.loc);
        let weight = cx.within_range(weight, "weight", 0.0..=1e6);
        let degraded = raw.degraded;
        let (what, size) = match (&raw.deployment, &raw.strategy, &raw.targets) {
            (Some(d), None, None) => {
                let deployment = self.deployment(d, false, cx)?;
                (What::Deployment { deployment, degraded: degraded.is_some_and(|v| v.value) }, 1)
            }
            (None, Some(strategy), Some(targets)) => {
                if let Some(flag) = degraded {
                    cx.error(flag.loc, "a strategy gives no answers").help("`degraded` of the targets that do");
                }
                let (strategy, size) = self.strategy(strategy, targets, cx)?;
                (What::Strategy(strategy), size)
            }
            _ if !raw.bad.is_empty() => return None,
            _ => {
                cx.error(raw.loc, format!("the target `{name}` is neither a deployment nor a strategy"))
                    .expected("`deployment`, or `strategy` together with `targets`");
                return None;
            }
        };
        Some((Target { name: name.to_owned(), weight, settings, what }, size))
    }

    fn strategy(
        &mut self,
        raw: &'a RawPortkeyStrategy,
        list: &'a List<At<String>>,
        cx: &mut Cx,
    ) -> Option<(Strategy, usize)> {
        let before = cx.errors();
        if list.written == 0 {
            cx.error(list.loc, "a strategy without targets").expected("at least one");
            return None;
        }
        if list.written > MAX_TARGETS {
            cx.error(list.loc, format!("{} targets", list.written)).expected(format!("at most {MAX_TARGETS}"));
            return None;
        }
        if self.way.len() >= MAX_DEPTH {
            cx.error(list.loc, format!("more than {MAX_DEPTH} strategies above one another"));
            return None;
        }
        let mode = self.mode(raw, list, cx);
        let found: Vec<Option<(Target, usize)>> = list.items.iter().map(|name| self.target(name, cx)).collect();
        let complete = list.items.len() == list.written && found.iter().all(Option::is_some);
        let found: Vec<(Target, usize)> = found.into_iter().flatten().collect();
        if matches!(raw, RawPortkeyStrategy::LoadBalance(_)) && complete && found.iter().all(|(t, _)| t.weight == 0.0) {
            cx.error(list.loc, "all targets have the weight 0, so nobody is ever called");
        }
        let size = 1 + found.iter().map(|(_, n)| n).sum::<usize>();
        if size > MAX_NODES {
            cx.error(list.loc, format!("a tree of {size} targets, each counted as often as it stands in it"))
                .expected(format!("at most {MAX_NODES}"));
        }
        let targets = found.into_iter().map(|(t, _)| t).collect();
        (complete && cx.errors() == before).then_some((Strategy { mode: mode?, targets }, size))
    }

    fn mode(&self, raw: &RawPortkeyStrategy, list: &List<At<String>>, cx: &mut Cx) -> Option<Mode> {
        Some(match raw {
            RawPortkeyStrategy::Single(_) => {
                if let Some(second) = list.items.get(1).filter(|_| !self.circuits) {
                    cx.error(
                        second.loc,
                        "`single` calls its first target only, and there is no `cb_config` to leave it out",
                    );
                }
                Mode::Single
            }
            RawPortkeyStrategy::LoadBalance(_) => Mode::LoadBalance,
            RawPortkeyStrategy::Fallback(f) => {
                let codes = f.on_status_codes.as_ref().map(|codes| statuses(codes, "on_status_codes", cx));
                self.repeated(list, cx);
                Mode::Fallback { on_status_codes: codes }
            }
            RawPortkeyStrategy::Conditional(c) => return self.conditional(c, list, cx),
        })
    }

    /// A deployment without settings twice in one fallback is a retry without a pause.
    fn repeated(&self, list: &List<At<String>>, cx: &mut Cx) {
        for (i, item) in list.items.iter().enumerate() {
            if let Some(first) = list.items[..i].iter().find(|f| f.value == item.value) {
                cx.error(item.loc, format!("`{}` falls back to itself", item.value))
                    .note(first.loc, "first named here");
            }
        }
    }

    fn conditional(&self, c: &RawPortkeyConditional, list: &List<At<String>>, cx: &mut Cx) -> Option<Mode> {
        let conditions = c.conditions.as_ref()?;
        if conditions.written == 0 {
            cx.error(conditions.loc, "no condition: the strategy has nothing to decide");
            return None;
        }
        let position = |name: &At<String>, cx: &mut Cx| {
            let found = list.items.iter().position(|t| t.value == name.value);
            if found.is_none() {
                cx.unknown_name("target of this strategy", name, list.items.iter().map(|t| t.value.as_str()));
            }
            found
        };
        let mut read = Vec::new();
        for condition in &conditions.items {
            for field in condition.query.iter().flat_map(|q| &q.fields) {
                if !self.fields.contains(&field.value) {
                    self.unknown_field(field, cx);
                }
            }
            let then = condition.then.as_ref().and_then(|name| position(name, cx));
            read.extend(condition.query.as_ref().zip(then).map(|(q, then)| Condition { query: q.query.clone(), then }));
        }
        let default = c.default.as_ref().map(|name| position(name, cx));
        for (i, target) in list.items.iter().enumerate() {
            let led = |name: &Option<At<String>>| name.as_ref().is_some_and(|n| n.value == target.value);
            let twice = list.items[..i].iter().any(|t| t.value == target.value);
            if twice || !(conditions.items.iter().any(|c| led(&c.then)) || led(&c.default)) {
                cx.error(target.loc, format!("no condition leads to the target `{}`", target.value));
            }
        }
        if default == Some(None) || read.len() < conditions.written {
            return None;
        }
        Some(Mode::Conditional { conditions: read, default: default.flatten() })
    }

    fn unknown_field(&self, field: &At<String>, cx: &mut Cx) {
        let d = cx.unknown_name("field of requests", field, self.fields.iter().map(String::as_str));
        if field.value == "params.model" {
            d.help("`model` of the gateway says what turns ask for");
        } else if let Some(name) = field.value.strip_prefix("metadata.") {
            d.help(format!("`request = [{{ metadata = {{ {name} = \"...\" }} }}]` sends it"));
        }
    }
}

fn settings(raw: &Written<'_>, cx: &mut Cx) -> Settings {
    Settings {
        retry: raw.retry.as_ref().and_then(|r| retry(r, cx)),
        request_timeout: raw.request_timeout.map(|t| cx.positive(t, "request_timeout")),
        circuit: raw.cb_config.as_ref().and_then(|c| circuit(c, cx)),
    }
}

fn retry(raw: &RawPortkeyRetry, cx: &mut Cx) -> Option<Retry> {
    let attempts = cx.count(raw.attempts?, "attempts", 0..=MAX_RETRIES);
    if attempts == 0 {
        let codes = raw.on_status_codes.as_ref().map(|c| (c.loc, "on_status_codes"));
        let header = raw.use_retry_after_header.filter(|v| v.value).map(|v| (v.loc, "use_retry_after_header"));
        for (loc, key) in codes.into_iter().chain(header) {
            cx.warning(loc, format!("`{key}` has no effect")).help("it is about retries, and `attempts` is 0");
        }
    }
    let codes = cx.or(&raw.on_status_codes, &d::PORTKEY_RETRY_ON);
    let on_status_codes = statuses(&codes, "on_status_codes", cx);
    Some(Retry {
        attempts,
        on_status_codes,
        use_retry_after_header: raw.use_retry_after_header.is_some_and(|v| v.value),
    })
}

fn circuit(raw: &RawPortkeyCircuit, cx: &mut Cx) -> Option<CircuitConfig> {
    let threshold = raw.failure_threshold.map(|n| cx.count(n, "failure_threshold", 1..=1_000_000));
    let share = raw.failure_threshold_percentage;
    if threshold.is_none() && share.is_none_or(|s| s.value.0 >= 1.0) {
        cx.error(share.map_or(raw.loc, |s| s.loc), "a circuit that never opens")
            .expected("`failure_threshold`, or a `failure_threshold_percentage` below 100 %");
    }
    if let Some(least) = raw.minimum_requests.filter(|_| share.is_none()) {
        cx.error(least.loc, "`minimum_requests` is about `failure_threshold_percentage`, which is not given");
    }
    let cooldown = raw.cooldown_interval?;
    Some(CircuitConfig {
        failure_threshold: threshold,
        failure_threshold_percentage: share.map(|s| 100.0 * s.value.0),
        minimum_requests: raw.minimum_requests.map_or(0, |n| cx.count(n, "minimum_requests", 0..=1_000_000)),
        cooldown_interval: cx.within_range(
            cooldown,
            "cooldown_interval",
            CircuitConfig::LEAST_COOLDOWN..=Span::from_hours(24 * 366),
        ),
        failure_status_codes: raw.failure_status_codes.as_ref().map(|c| statuses(c, "failure_status_codes", cx)),
    })
}

/// Statuses of errors.
fn statuses(list: &List<At<u64>>, key: &str, cx: &mut Cx) -> Vec<u16> {
    if list.written == 0 {
        cx.error(list.loc, format!("`{key}` is empty")).expected("at least one status, for example 429");
    }
    list.items.iter().map(|s| cx.count(*s, "status", 400..=599) as u16).collect()
}

fn asks(raw: &RawPortkeyGateway, known: &Known<'_>, cx: &mut Cx) -> Vec<PortkeyAsk> {
    let model = raw.model.as_ref().map(|m| m.value.clone());
    let mut asks = Vec::new();
    for r in raw.request.iter().flat_map(|l| &l.items) {
        asks.extend(ask(r, model.as_ref(), known, cx));
    }
    asks.push(PortkeyAsk { workload: None, class: None, model, metadata: Vec::new() });
    asks
}

fn ask(r: &RawPortkeyRequest, model: Option<&String>, known: &Known<'_>, cx: &mut Cx) -> Option<PortkeyAsk> {
    let workload = known.workload(r.workload.as_ref(), cx);
    let class = known.class(r.residency.as_ref(), cx);
    let mut metadata = Vec::new();
    for (name, value) in r.metadata.iter().flat_map(|m| m.good()) {
        if PortkeyGateway::METADATA.contains(&name.value.as_str()) {
            cx.error(name.loc, format!("`{}` is in the metadata of every turn already", name.value))
                .expected(format!("another name than {}", listed(PortkeyGateway::METADATA)));
        }
        metadata.push((name.value.clone(), value.value.clone()));
    }
    let model = r.model.as_ref().map(|m| m.value.clone()).or(model.cloned());
    Some(PortkeyAsk { workload: workload?, class: class?, model, metadata })
}

/// The deployments as the rest of the world sees them: those that may come first, then the others.
pub fn chain(all: &[DeploymentIx], first: &[DeploymentIx]) -> Vec<Pool> {
    let once = |list: Vec<DeploymentIx>| {
        let mut seen: Vec<DeploymentIx> = Vec::new();
        for d in list {
            if !seen.contains(&d) {
                seen.push(d);
            }
        }
        seen
    };
    let pool = |name: &str, members: Vec<DeploymentIx>| Pool {
        name: name.to_owned(),
        members: once(members).into_iter().map(|d| (d, 1.0)).collect(),
        priorities: Vec::new(),
        localities: Vec::new(),
        choose: Choose::InOrder,
        degraded: false,
        max_requests: None,
    };
    let others: Vec<DeploymentIx> = all.iter().filter(|d| !first.contains(d)).copied().collect();
    let mut pools = vec![pool("first targets", first.to_vec())];
    if !others.is_empty() {
        pools.push(pool("further targets", others));
    }
    pools
}
