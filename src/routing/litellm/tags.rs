//! Tag routing: which deployments a request's tags allow.
//!
//! Source: LiteLLM 1.106.2, `router_strategy/tag_based_routing.py`. Grammar of a request's tag: `x` is wished for, `!x`
//! excludes deployments that carry x, `&x` requires x; a prefix (`tag_routing_prefix`) is taken off first and marks the tag
//! as meant for routing. A wish is met by any common tag (`tag_filtering_match_any`) or only if the deployment has all.
//! Deployments tagged `default` serve requests without tags, and those whose wish is known to nobody.

use super::config::Options;
use super::dep::Dep;
use super::plan::{Model, intern};

/// A request's tags, taken apart.
#[derive(Clone, Debug, Default)]
pub(super) struct TagRequest {
    pub required: Vec<u16>,
    pub wished: Vec<u16>,
    pub excluded: Vec<u16>,
    /// Tags that came with the prefix, without it and without their mark.
    confirmed: Vec<u16>,
    /// Required and excluded tags that come from the policy of a key or team; `None` when nothing says where tags come from.
    inherited: Option<(Vec<u16>, Vec<u16>)>,
    /// Deployments whose `tag_regex` matches the request's user agent; `None` for a request without one.
    agent: Option<Vec<bool>>,
    /// All of them as they were sent, for budgets.
    pub sent: Vec<u16>,
}

/// Taken apart: required, wished for, excluded.
fn split(tags: &[&str], names: &mut Vec<String>) -> (Vec<u16>, Vec<u16>, Vec<u16>) {
    let marked = |mark: char, names: &mut Vec<String>| {
        let of_mark = tags.iter().filter_map(|t| t.strip_prefix(mark)).filter(|t| !t.is_empty());
        of_mark.map(|t| intern(names, t)).collect()
    };
    let required = marked('&', names);
    let excluded = marked('!', names);
    let plain = tags.iter().filter(|t| !t.starts_with(['&', '!']));
    (required, plain.map(|t| intern(names, t)).collect(), excluded)
}

impl TagRequest {
    pub fn new(options: &Options, prefix: &str, names: &mut Vec<String>) -> TagRequest {
        let bare = |t: &str| t.strip_prefix(['&', '!']).map_or(t.to_owned(), str::to_owned);
        let mut confirmed = Vec::new();
        if !prefix.is_empty() {
            for tag in options.tags.iter().filter_map(|t| t.strip_prefix(prefix)) {
                let marked_only = tag == "&" || tag == "!";
                if !marked_only {
                    confirmed.push(intern(names, &bare(tag)));
                }
            }
        }
        let rewritten = |tags: &[String]| -> Vec<String> {
            let without = |t: &String| t.strip_prefix(prefix).unwrap_or(t).to_owned();
            tags.iter().map(without).collect()
        };
        let own = rewritten(&options.tags);
        let own: Vec<&str> = own.iter().map(String::as_str).collect();
        let (required, wished, excluded) = split(&own, names);
        let inherited = options.inherited_tags.as_ref().map(|tags| {
            let tags = rewritten(tags);
            let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
            let (required, _, excluded) = split(&tags, names);
            (required, excluded)
        });
        let sent = options.tags.iter().map(|t| intern(names, t)).collect();
        TagRequest { required, wished, excluded, confirmed, inherited, agent: options.agent_matches.clone(), sent }
    }

    fn is_allowed(&self, d: &Dep) -> bool {
        !self.excluded.iter().any(|t| d.tags.contains(t))
    }

    fn has_required(&self, d: &Dep) -> bool {
        self.required.iter().all(|t| d.tags.contains(t))
    }

    /// Whether the deployment matches what the request wishes for, by tag or, where strictness allows, by user agent.
    fn matches(&self, ix: usize, d: &Dep, any: bool) -> bool {
        if !d.tags.is_empty() && !self.wished.is_empty() {
            let has = |t: &u16| d.tags.contains(t);
            if if any { self.wished.iter().any(has) } else { self.wished.iter().all(has) } {
                return true;
            }
        }
        let strict = !any && !d.tags.is_empty();
        let by_agent = self.agent.as_ref().is_some_and(|matched| matched.get(ix).copied().unwrap_or(false));
        d.has_tag_regex && by_agent && !strict
    }
}

/// What the filter needs to know of the router.
pub(super) struct TagContext<'a> {
    pub deps: &'a [Dep],
    pub model: &'a Model,
    pub match_any: bool,
}

/// Leaves only the deployments that the tags allow; `Err` when the request cannot be served.
pub(super) fn filter(
    request: &TagRequest,
    cx: &TagContext<'_>,
    candidates: &mut Vec<u16>,
    scratch: &mut Vec<u16>,
) -> Result<(), ()> {
    let dep = |c: &u16| &cx.deps[usize::from(*c)];
    let eligible = |c: &u16| request.is_allowed(dep(c)) && request.has_required(dep(c));
    let by_agent = request.agent.is_some()
        && request.required.is_empty()
        && candidates.iter().any(|c| eligible(c) && dep(c).has_tag_regex);
    let wishes = !request.wished.is_empty() || by_agent;
    if wishes {
        let matches = |c: &u16| eligible(c) && request.matches(usize::from(*c), dep(c), cx.match_any);
        if candidates.iter().any(matches) {
            candidates.retain(matches);
            return Ok(());
        }
        let known = request.wished.iter().any(|t| cx.model.known_tags.contains(t) || request.confirmed.contains(t));
        let default = |c: &u16| eligible(c) && dep(c).default_tag;
        if known || !candidates.iter().any(default) {
            return fail_open(request, cx, candidates);
        }
        candidates.retain(default);
        return Ok(());
    }
    if !request.required.is_empty() {
        return if candidates.iter().any(eligible) {
            candidates.retain(eligible);
            Ok(())
        } else {
            fail_open(request, cx, candidates)
        };
    }
    // without a wish and without a requirement: the deployments tagged `default`, or all if there are none
    let defaults = candidates.iter().filter(|c| dep(c).default_tag).count();
    let base = |c: &u16| defaults == 0 || dep(c).default_tag;
    if request.excluded.is_empty() {
        if defaults < candidates.len() {
            candidates.retain(base);
        }
        return Ok(());
    }
    scratch.clear();
    scratch.extend(candidates.iter().copied().filter(|c| base(c) && request.is_allowed(dep(c))));
    if scratch.is_empty() {
        return fail_open(request, cx, candidates);
    }
    std::mem::swap(candidates, scratch);
    Ok(())
}

/// No deployment meets the constraints. If a deployment of the group allows it, those constraints that no policy stands
/// behind are dropped, unless that would hide that a made-up tag is what emptied the list.
fn fail_open(request: &TagRequest, cx: &TagContext<'_>, candidates: &mut Vec<u16>) -> Result<(), ()> {
    let dep = |c: &u16| &cx.deps[usize::from(*c)];
    let is_known = |t: &u16| request.confirmed.contains(t) || candidates.iter().any(|c| dep(c).tags.contains(t));
    let known: Vec<u16> = request.required.iter().copied().filter(is_known).collect();
    let mut required = request.required.clone();
    required.sort_unstable();
    required.dedup();
    let mut known_once = known.clone();
    known_once.sort_unstable();
    known_once.dedup();
    let hides = !known_once.is_empty()
        && known_once != required
        && candidates.iter().any(|c| request.is_allowed(dep(c)) && known.iter().all(|t| dep(c).tags.contains(t)));
    if hides || !candidates.iter().any(|c| dep(c).fails_open) {
        return Err(());
    }
    let trusted = |c: &u16| match &request.inherited {
        None => true,
        Some((required, excluded)) => {
            let d = dep(c);
            required.iter().filter(|t| request.required.contains(t)).all(|t| d.tags.contains(t))
                && !excluded.iter().filter(|t| request.excluded.contains(t)).any(|t| d.tags.contains(t))
        }
    };
    candidates.retain(trusted);
    if candidates.is_empty() {
        return Err(());
    }
    if candidates.iter().any(|c| dep(c).default_tag) {
        candidates.retain(|c| dep(c).default_tag);
    }
    Ok(())
}
