//! `gateway.litellm`: what can be run and does nothing is warned of, once, where it stands.

mod common;

use common::small;
use geodes::scenario::diagnostic::Severity;
use geodes::scenario::from_str;

/// Two deployments of one group, with more keys of the gateway and of each.
fn text(gateway: &str, first: &str, second: &str) -> String {
    let rest = format!(
        r#"
[deployment.gpt-eu]
extends = "gpt"
region = "azure:swedencentral"

[topology.one]
regions = ["aws:us-east-1"]

[topology.one.gateway.litellm]
model = "a"
{gateway}
[[topology.one.gateway.litellm.model_list]]
model_name = "a"
deployment = "gpt"
{first}
[[topology.one.gateway.litellm.model_list]]
model_name = "a"
deployment = "gpt-eu"
{second}
"#
    );
    small(&["Berlin"], "", &rest)
}

/// The text at each warning, and what it says.
fn warnings(gateway: &str, first: &str, second: &str) -> Vec<(String, String)> {
    let text = text(gateway, first, second);
    let loaded = from_str(&text, "test.toml", None).unwrap_or_else(|e| panic!("{e}"));
    let list = loaded.warnings.list();
    assert!(list.iter().all(|w| w.severity == Severity::Warning));
    list.iter().map(|w| (text[w.loc.start..w.loc.end].to_owned(), w.message.clone())).collect()
}

#[test]
fn a_sound_gateway_has_none() {
    let sound = "enable_tag_filtering = true\ntag_filtering_match_any = false\nenforce_model_rate_limits = true\n\
                 enable_pre_call_checks = true\nprovider_budget_config = { azure = { budget_limit = \"$5\", time_period = \"1 d\" } }\n\
                 request = [{ workload = \"chat\", model = \"a\" }, { model = \"a\" }]";
    let entry = "tags = [\"t\"]\nitpm = 5\notpm = 5\nmax_input_tokens = 1000\nweight = 0.0";
    assert_eq!(warnings(sound, entry, "weight = 1.0"), []);
    let other = "provider_budget_config = { openai = { budget_limit = \"$5\", time_period = \"1 d\" } }";
    assert_eq!(warnings(other, "custom_llm_provider = \"openai\"", ""), []);
}

#[test]
fn what_does_nothing_is_warned_of() {
    let one = |gateway: &str, first: &str, second: &str, at: &str, message: &str| {
        assert_eq!(warnings(gateway, first, second), [(at.to_owned(), message.to_owned())]);
    };
    one("", "", "tags = [\"t\"]", "tags", "`tags` has no effect");
    one("", "itpm = 5", "itpm = 6", "5", "`itpm` has no effect");
    one("", "otpm = 5", "", "5", "`otpm` has no effect");
    one("", "max_input_tokens = 5", "", "5", "`max_input_tokens` has no effect");
    one("tag_filtering_match_any = false", "", "", "false", "`tag_filtering_match_any` has no effect");
    one("tag_routing_prefix = \"x\"", "", "", "\"x\"", "`tag_routing_prefix` has no effect");
    let zero = "all weights of `a` are 0, so they count as not given";
    one("", "weight = 0.0", "", "0.0", zero);
    one("", "weight = 0.0", "weight = 0", "0.0", zero);
    let budget = "provider_budget_config = { azrue = { budget_limit = \"$5\", time_period = \"1 d\" } }";
    one(budget, "", "", "azrue", "no entry of `model_list` has the provider `azrue`");
    one("default_fallbacks = []", "", "", "default_fallbacks", "`default_fallbacks` is empty and says nothing");
    let alias = "fallbacks = { a = [\"b\"] }\nmodel_group_alias = { b = \"a\" }";
    one(alias, "", "", "\"b\"", "`b` is another name of `a`, which has just failed");
    for list in [
        "request = [{ model = \"a\" }, { workload = \"chat\", num_retries = 1 }]",
        "request = [{ workload = \"chat\", model = \"a\" }, { workload = \"chat\", num_retries = 1 }]",
    ] {
        let at = "{ workload = \"chat\", num_retries = 1 }";
        one(list, "", "", at, "no turn ever gets to this request");
    }
}
