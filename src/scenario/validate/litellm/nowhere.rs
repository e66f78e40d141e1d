//! Names that can be asked for and lead nowhere.

use crate::routing::litellm::config::Options;
use crate::routing::litellm::{Router, Target};
use crate::scenario::decode::Cx;
use crate::scenario::diagnostic::Loc;
use crate::scenario::model::Ask;
use crate::scenario::raw::RawLiteLlmGateway;

/// Refuses requests and aliases that no deployment could ever answer. `places` are those of the requests.
pub(super) fn check(raw: &RawLiteLlmGateway, mut router: Router, asks: &[Ask], places: &[Loc], cx: &mut Cx) {
    let mut serves = |model: &str, options: &Options| {
        let (Ok(model), Ok(options)) = (router.model(model), router.options(options)) else { return true };
        let reached = router.reachable(Target { model, options });
        let blocked = router.config().deployments.iter().map(|d| d.blocked);
        reached.iter().zip(blocked).any(|(reached, blocked)| *reached && !blocked)
    };
    for (alias, model) in raw.model_group_alias.iter().flat_map(|a| a.good()) {
        if !serves(&alias.value, &Options { disable_fallbacks: true, ..Options::default() }) {
            cx.error(
                model.loc,
                format!("`{}` stands for `{}`, which leads to no deployment", alias.value, model.value),
            )
            .help("LiteLLM looks an alias up once: one that stands for another leads nowhere");
        }
    }
    for (ask, loc) in asks.iter().zip(places) {
        if !serves(&ask.model, &ask.options) {
            cx.error(*loc, format!("no deployment can ever answer a request for `{}`", ask.model))
                .expected("a group with a deployment that is not blocked and may be asked, or a fallback to one");
        }
    }
}
