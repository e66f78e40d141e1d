//! What may be a secret: it is never kept, printed or written.
//!
//! Diagnostics show lines of the file. Of those only that is left which is known to be harmless: the values of the settings
//! that a router reads, numbers, truth values, and keys that are names. All else is blanked: values of any other key,
//! comments, and what a later key of the same name overrides. A reference to an environment variable (`os.environ/NAME`)
//! is kept: it is a name, not what it stands for.

use super::tree::{Node, Value, scalars};
use crate::scenario::diagnostic::Loc;

/// Parts of names whose values are secrets.
const PARTS: [&str; 15] = [
    "api_key",
    "apikey",
    "password",
    "passwd",
    "secret",
    "token",
    "credential",
    "private_key",
    "signing_key",
    "master_key",
    "salt_key",
    "webhook",
    "database_url",
    "connection_string",
    "authorization",
];

/// Names with one of these parts that hold no secret: numbers and limits.
const HARMLESS: [&str; 7] = [
    "max_tokens",
    "max_input_tokens",
    "max_output_tokens",
    "max_completion_tokens",
    "input_cost_per_token",
    "output_cost_per_token",
    "cost_per_token",
];

/// Settings whose values are shown, whatever they are: a router or the place of a deployment is read from them.
const SHOWN: [&str; 62] = [
    "model_name",
    "model",
    "models",
    "base_model",
    "custom_llm_provider",
    "id",
    "group_name",
    "mode",
    "region_name",
    "aws_region_name",
    "vertex_location",
    "watsonx_region_name",
    "tags",
    "tag_regex",
    "team_id",
    "team_public_model_name",
    "routing_strategy",
    "optional_pre_call_checks",
    "default_fallbacks",
    "background_health_check_model_groups",
    "tag_routing_prefix",
    "weight",
    "order",
    "rpm",
    "tpm",
    "itpm",
    "otpm",
    "max_parallel_requests",
    "default_max_parallel_requests",
    "global_max_parallel_requests",
    "timeout",
    "stream_timeout",
    "request_timeout",
    "num_retries",
    "max_retries",
    "retry_after",
    "max_fallbacks",
    "allowed_fails",
    "cooldown_time",
    "disable_cooldowns",
    "max_budget",
    "budget_limit",
    "budget_duration",
    "time_period",
    "input_cost_per_token",
    "output_cost_per_token",
    "max_tokens",
    "max_input_tokens",
    "max_output_tokens",
    "blocked",
    "enable_pre_call_checks",
    "enable_tag_filtering",
    "tag_filtering_match_any",
    "enable_weighted_failover",
    "enable_health_check_routing",
    "health_check_staleness_threshold",
    "allow_fail_open",
    "supports_web_search",
    "ttl",
    "lowest_latency_buffer",
    "max_latency_list_size",
    "ttft_percentile",
];

/// Tables of which each key decides for itself.
const TABLES: [&str; 10] = [
    "model_list",
    "litellm_params",
    "model_info",
    "router_settings",
    "litellm_settings",
    "general_settings",
    "routing_groups",
    "routing_strategy_args",
    "retry_policy",
    "allowed_fails_policy",
];

/// Lists of chains by model, and plain lists.
const CHAINS: [&str; 3] = ["fallbacks", "context_window_fallbacks", "content_policy_fallbacks"];

/// Tables whose keys are names that the file's author has chosen: of models, providers, tags.
const NAMED: [&str; 5] = [
    "model_group_alias",
    "model_group_retry_policy",
    "model_priorities",
    "provider_budget_config",
    "tag_budget_config",
];

/// Whether the value of a key of that name is a secret.
pub fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase().replace(['-', ' ', '.'], "_");
    let harmless = HARMLESS.contains(&key.as_str()) || key.ends_with("_token_cost") || key.contains("cost_per_token");
    !harmless
        && (PARTS.iter().any(|p| key.contains(p)) || key.ends_with("_key") || key == "key" || key.ends_with("_url"))
}

/// Whether a text looks like a key or holds a password, whatever the name of its own key.
pub fn looks_secret(text: &str) -> bool {
    const BEGINNINGS: [&str; 15] = [
        "sk-",
        "sk_",
        "pk-",
        "gsk_",
        "xai-",
        "hf_",
        "AIza",
        "AKIA",
        "ASIA",
        "ghp_",
        "github_pat_",
        "glpat-",
        "xox",
        "eyJ",
        "Bearer ",
    ];
    let with_password = text.split_once("://").is_some_and(|(_, rest)| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
        authority.contains('@') || rest.contains('?')
    });
    let no_reference = text.starts_with(REFERENCE) && environment(text).is_none();
    with_password || no_reference || BEGINNINGS.iter().any(|b| text.trim_start().starts_with(b))
}

const REFERENCE: &str = "os.environ/";

/// The name of the environment variable that a text refers to. What is no name is no reference either: more than a name may
/// stand there.
pub fn environment(text: &str) -> Option<&str> {
    text.strip_prefix(REFERENCE).filter(|name| is_name(name))
}

/// Whether a text is made of the characters that names of settings have.
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.*/-".contains(&b))
}

/// A key as it may be shown. `api_key:VALUE`, without a space, is one long key in YAML.
pub fn name(key: &str) -> &str {
    if is_name(key) && !looks_secret(key) { key } else { "(a key that is no name)" }
}

/// A name that the file's author has chosen (of a model, a provider, a tag), as it may be shown.
pub fn chosen(key: &str) -> &str {
    if looks_secret(key) { "(a name that looks like a key)" } else { key }
}

/// What is shown of a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Show {
    /// A table of settings: its keys decide.
    Keys,
    /// A list of fallbacks: names, and tables of a name and its chain.
    Chains,
    /// A table whose keys are chosen names.
    Names,
    /// The text or the texts, and of tables what their keys decide.
    Texts,
    /// Numbers, nothing else.
    Numbers,
    /// Nothing.
    Nothing,
}

/// The source with everything blanked that may be a secret.
pub fn redacted(source: &str, tree: Option<&Node>) -> String {
    let mut shown = vec![b'*'; source.len()];
    for (i, b) in source.bytes().enumerate().filter(|(_, b)| matches!(b, b'\n' | b'\r')) {
        shown[i] = b;
    }
    if let Some(tree) = tree {
        structure(source, &mut shown);
        let mut spans = (Vec::new(), Vec::new());
        walk(tree, Show::Keys, &mut spans);
        let copy = |l: &Loc| l.start.min(source.len())..l.end.min(source.len());
        for loc in &spans.0 {
            shown[copy(loc)].copy_from_slice(&source.as_bytes()[copy(loc)]);
        }
        // an alias can lead to the same place from a key that is shown and from one that is not
        for loc in &spans.1 {
            shown[copy(loc)].iter_mut().filter(|b| !matches!(b, b'\n' | b'\r')).for_each(|b| *b = b'*');
        }
    }
    // a character of several bytes was blanked whole or not at all
    String::from_utf8(shown).unwrap_or_default()
}

/// Shows the punctuation between scalars, comments apart.
fn structure(source: &str, shown: &mut [u8]) {
    let scalars = scalars(source);
    let mut next = scalars.iter().peekable();
    let (mut before, mut comment) = (b'\n', false);
    for (i, b) in source.bytes().enumerate() {
        while next.next_if(|l| l.end <= i).is_some() {}
        let inside = next.peek().is_some_and(|l| l.start <= i);
        comment = !inside && b != b'\n' && (comment || (b == b'#' && before.is_ascii_whitespace()));
        if !inside && !comment && (b.is_ascii_whitespace() || b"-:,{}[]?&*|>!'\"".contains(&b)) {
            shown[i] = b;
        }
        before = b;
    }
}

/// Where something is shown, and where nothing may be.
type Spans = (Vec<Loc>, Vec<Loc>);

fn walk(node: &Node, show: Show, spans: &mut Spans) {
    let shown = match &node.value {
        Value::Map(entries) => {
            for e in entries {
                let key = match show {
                    Show::Names | Show::Chains => !looks_secret(&e.key),
                    Show::Keys | Show::Texts => name(&e.key) == e.key,
                    Show::Numbers | Show::Nothing => false,
                };
                if key { &mut spans.0 } else { &mut spans.1 }.push(e.loc);
                walk(&e.node, below(show, &e.key, &e.node.value), spans);
            }
            return;
        }
        Value::Seq(list) => return list.iter().for_each(|n| walk(n, show, spans)),
        Value::Null => return,
        Value::Bool(_) => true,
        Value::Int(_) | Value::Float(_) => matches!(show, Show::Texts | Show::Numbers),
        Value::Str(text) => {
            environment(text).is_some() || (matches!(show, Show::Texts | Show::Chains) && !looks_secret(text))
        }
    };
    if shown { &mut spans.0 } else { &mut spans.1 }.push(node.loc);
}

/// What is shown of the value of a key in such a table.
fn below(show: Show, key: &str, value: &Value) -> Show {
    match (show, value) {
        (Show::Nothing | Show::Numbers, _) => Show::Nothing,
        _ if is_secret(key) => Show::Nothing,
        (Show::Chains, Value::Seq(_)) | (Show::Names, Value::Str(_)) => Show::Texts,
        (Show::Names, Value::Map(_)) => Show::Keys,
        (Show::Names, _) => Show::Numbers,
        _ if CHAINS.contains(&key) => Show::Chains,
        _ if NAMED.contains(&key) => Show::Names,
        _ if TABLES.contains(&key) => Show::Keys,
        _ if SHOWN.contains(&key) => Show::Texts,
        _ => Show::Numbers,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets() {
        for name in [
            "api_key",
            "api-key",
            "OPENAI_API_KEY",
            "redis_password",
            "master_key",
            "database_url",
            "azure_ad_token",
            "aws_secret_access_key",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in
            ["model", "rpm", "max_input_tokens", "input_cost_per_token", "cache_read_input_token_cost", "order", "tags"]
        {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn a_reference_is_a_name_and_nothing_else() {
        assert_eq!(environment("os.environ/AZURE_KEY"), Some("AZURE_KEY"));
        assert_eq!(environment("os.environ/team/a.KEY-2"), Some("team/a.KEY-2"));
        for text in ["os.environ/", "os.environ/A hunter2", "os.environ/A\nhorizon = 5", "os.environ/A\"", "environ/A"]
        {
            assert_eq!(environment(text), None, "{text}");
        }
        assert!(looks_secret("os.environ/A hunter2") && !looks_secret("os.environ/A"));
    }

    /// Each line has a secret, `hunter2` or `sk-`, in a place of its own.
    #[test]
    fn nothing_secret_is_left_in_the_source() {
        for source in [
            "general_settings: [sk-1]",
            "general_settings: hunter2",
            "model_list: [sk-1]",
            "x: {y: 'http://a:hunter2@host'}",
            "hunter2",
            "OPENAI_API_KEY=hunter2\nFOO=hunter2",
            "[hunter2]",
            // a key that is overridden, and one that wins over `<<`
            "litellm_params: {api_key: hunter2, api_key: os.environ/K}",
            "litellm_params: {<<: {api_key: hunter2}, api_key: os.environ/K}",
            "x: &k hunter2\nlitellm_params: {api_key: *k}",
            // no space after the colon
            "litellm_params: {model: a, api_key:hunter2, rpm: 1}",
            "litellm_params:\n  ? api_key:hunter2\n  : 1",
            "hunter2 is my password: 1",
            "litellm_params: {sk-1: 1}",
            // other names, other places
            "litellm_params: {extra_query: {api-key: hunter2}}",
            "litellm_params: {api_base: 'https://host/v1?api-key=hunter2'}",
            "litellm_params: {model: 'https://host/v1?api-key=hunter2'}",
            "litellm_params: {vertex_credentials: {model: hunter2, n: [hunter2]}}",
            "litellm_params: {api_key: {model: hunter2}}",
            "environment_variables: {model: hunter2, LANGFUSE: hunter2}",
            "router_settings: {fallbacks: [{model: a, other: hunter2, api_key: [hunter2]}]}",
            "router_settings: {fallbacks: [{a: [{model: b, headers: {x: hunter2}}]}]}",
            "router_settings: {model_group_alias: {a: {model: b, other: hunter2}}}",
            // more than a reference, and texts over several lines
            "litellm_params: {api_key: os.environ/A\n  hunter2}",
            "litellm_params:\n  api_key: |\n    hunter2\n    hunter2\n  rpm: 5",
            "litellm_params:\n  api_key: >-\n    hunter2\n\n    hunter2\n",
            "litellm_params: {api_key: \"hunter2\\\n  hunter2\"}",
            // comments, tags and anchors
            "# hunter2\nmodel_list: [] # hunter2: x",
            "model_list: []\n    # sk-1: {hunter2}\n",
            "litellm_params: {model: a} # hunter2 # hunter2",
            "x: !hunter2 y",
            "x: &hunter2 y",
            "%TAG !hunter2! tag:hunter2\n---\nx: 1",
        ] {
            let tree = Node::parse(source).unwrap_or_else(|e| panic!("{source}: {e:?}"));
            let shown = redacted(source, Some(&tree));
            assert_eq!(shown.len(), source.len());
            assert!(!shown.contains("hunter2") && !shown.contains("sk-"), "{source}:\n{shown}");
        }
        assert_eq!(redacted("a: hunter2\nb", None), "**********\n*");
    }

    #[test]
    fn what_a_router_reads_is_shown() {
        for source in [
            "general_settings: {master_key: os.environ/KEY}\n",
            "model_list:\n  - model_name: 'gpt 4'\n    litellm_params: {model: openai/x, rpm: '5', weight: 1, tags: [a, b]}\n",
            "litellm_params:\n  model: |\n    a\n  mock_delay: 3\n  drop_params: true\n",
            "router_settings: {fallbacks: [{\"*\": [b, {model: c}]}, a], model_group_alias: {a b: c, d: {model: e}}}",
            "litellm_settings:\n  default_fallbacks: [é, b]\n  tag_budget_config: {t: {max_budget: 5, budget_duration: 1d}}",
            "model_info: {id: a#b}",
        ] {
            assert_eq!(redacted(source, Some(&Node::parse(source).unwrap())), source);
        }
        let source = "litellm_params: {model: é, api_key: é, rpm: 1} # é";
        let shown = redacted(source, Some(&Node::parse(source).unwrap()));
        assert_eq!(shown, "litellm_params: {model: é, api_key: **, rpm: 1} ****");
    }

    #[test]
    fn names_that_are_shown() {
        assert_eq!([name("redis_host"), name("openai/*")], ["redis_host", "openai/*"]);
        for key in ["api_key:hunter2", "hunter2 x", "", "a\nb", "sk-1"] {
            assert_eq!(name(key), "(a key that is no name)");
        }
        assert_eq!(chosen("gpt 4:latest"), "gpt 4:latest");
        assert_eq!(chosen("sk-1"), "(a name that looks like a key)");
    }
}
