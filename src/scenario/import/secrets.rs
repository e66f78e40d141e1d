//! What may be a secret: it is never kept, printed or written.
//!
//! A value is a secret by the name of its key. A reference to an environment variable (`os.environ/NAME`) is none: it is the
//! name that is kept, not what it stands for. Diagnostics show lines of the file, so those lines are blanked first.

use super::tree::{Node, Value};

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
const HARMLESS: [&str; 8] = [
    "max_tokens",
    "max_input_tokens",
    "max_output_tokens",
    "max_completion_tokens",
    "input_cost_per_token",
    "output_cost_per_token",
    "litellm_credential_name",
    "cost_per_token",
];

/// Whether the value of a key of that name is a secret.
pub fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let harmless = HARMLESS.contains(&key.as_str()) || key.ends_with("_token_cost") || key.contains("cost_per_token");
    !harmless
        && (PARTS.iter().any(|p| key.contains(p)) || key.ends_with("_key") || key == "key" || key.ends_with("_url"))
}

/// Whether a text looks like a key or holds a password, whatever the name of its own key.
fn looks_secret(text: &str) -> bool {
    const BEGINNINGS: [&str; 7] = ["sk-", "pk-", "AKIA", "ASIA", "ghp_", "eyJ", "Bearer "];
    let with_password = text.split_once("://").is_some_and(|(_, rest)| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
        authority.contains('@')
    });
    with_password || BEGINNINGS.iter().any(|b| text.trim_start().starts_with(b))
}

/// The name of the environment variable that a text refers to.
pub fn environment(text: &str) -> Option<&str> {
    text.strip_prefix("os.environ/").filter(|name| !name.is_empty())
}

/// The source with everything blanked that may be a secret: values of secret keys, all values of `environment_variables`
/// and of headers, and comments.
pub fn redacted(source: &str, tree: Option<&Node>) -> String {
    let mut bytes = source.as_bytes().to_vec();
    let mut blank = |from: usize, to: usize| {
        for b in &mut bytes[from.min(source.len())..to.min(source.len())] {
            if !matches!(*b, b'\n' | b'\r') {
                *b = b'*';
            }
        }
    };
    match tree {
        // a file that cannot be read shows nothing of itself
        None => blank(0, source.len()),
        Some(tree) => {
            walk(tree, false, &mut blank);
            for (from, to) in comments(source, tree) {
                blank(from, to);
            }
        }
    }
    // a character of several bytes was blanked whole or not at all
    String::from_utf8(bytes).unwrap_or_default()
}

fn walk(node: &Node, secret: bool, blank: &mut impl FnMut(usize, usize)) {
    match &node.value {
        Value::Map(entries) => {
            for e in entries {
                let misplaced = e.key == "general_settings" && !matches!(e.node.value, Value::Map(_));
                let all = matches!(e.key.as_str(), "environment_variables" | "credential_list") || misplaced;
                let below = secret || is_secret(&e.key) || all || e.key.ends_with("headers");
                walk(&e.node, below, blank);
            }
        }
        Value::Seq(list) => list.iter().for_each(|n| walk(n, secret, blank)),
        Value::Str(text) if environment(text).is_some() => {}
        Value::Str(text) if looks_secret(text) => blank(node.loc.start, node.loc.end),
        _ if secret => blank(node.loc.start, node.loc.end),
        _ => {}
    }
}

/// Ranges of comments: from a `#` at the start of a line or after white space, outside of values, to the end of the line.
fn comments(source: &str, tree: &Node) -> Vec<(usize, usize)> {
    let mut values = Vec::new();
    collect(tree, &mut values);
    values.sort_unstable();
    let mut found = Vec::new();
    let mut offset = 0;
    for line in source.split_inclusive('\n') {
        let mut before = ' ';
        for (i, c) in line.char_indices() {
            let at = offset + i;
            let inside = || {
                let next = values.partition_point(|v| v.0 <= at);
                next > 0 && values[next - 1].1 > at
            };
            if c == '#' && before.is_whitespace() && !inside() {
                found.push((at, offset + line.len()));
                break;
            }
            before = c;
        }
        offset += line.len();
    }
    found
}

fn collect(node: &Node, into: &mut Vec<(usize, usize)>) {
    match &node.value {
        Value::Map(entries) => entries.iter().for_each(|e| collect(&e.node, into)),
        Value::Seq(list) => list.iter().for_each(|n| collect(n, into)),
        _ => into.push((node.loc.start, node.loc.end)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets() {
        for name in [
            "api_key",
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
    fn nothing_secret_is_left_in_the_source() {
        let source = "# was sk-old\nmodel_list:\n  - litellm_params: {model: openai/x, api_key: 'sk-1 # 2', weight: 1}  # sk-3\n    \
                      model_info: {id: a#b}\n";
        let tree = Node::parse(source).unwrap();
        let shown = redacted(source, Some(&tree));
        assert_eq!(shown.len(), source.len());
        assert!(!shown.contains("sk-"), "{shown}");
        assert!(shown.contains("model: openai/x") && shown.contains("a#b") && shown.contains("weight: 1"), "{shown}");
        for odd in [
            "general_settings: [sk-1]",
            "model_list: [sk-1]",
            "x: {y: 'http://a:sk-1@host'}",
            "general_settings: hunter2",
        ] {
            let shown = redacted(odd, Some(&Node::parse(odd).unwrap()));
            assert!(!shown.contains("sk-1") && !shown.contains("hunter2"), "{shown}");
        }
        let kept = "general_settings: {master_key: os.environ/KEY}\n";
        assert_eq!(redacted(kept, Some(&Node::parse(kept).unwrap())), kept);
    }
}
