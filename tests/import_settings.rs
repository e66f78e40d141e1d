//! No setting of a LiteLLM configuration is dropped silently: each is in the scenario or told, and one that counts as mapped
//! changes the scenario when it changes.
#![cfg(feature = "cli")]

#[path = "import/files.rs"]
mod files;

use files::configurations;
use geodes::scenario::from_str;
use geodes::scenario::import::litellm::{Imported, scenario};
use geodes::scenario::import::{Entry, Node, Value};
use std::path::PathBuf;

/// The configurations that can be imported, with what came of them.
fn imported() -> Vec<(String, Node, Imported)> {
    let read = |path: &PathBuf| {
        let source = std::fs::read_to_string(path).unwrap();
        let imported = scenario(&source, "config.yaml").ok()?;
        Some((path.display().to_string(), Node::parse(&source).unwrap(), imported))
    };
    let all: Vec<_> = configurations().iter().filter_map(read).collect();
    assert!(all.len() >= 8, "{}", all.len());
    all
}

/// A key as the importer shows it.
fn shown(key: &str) -> &str {
    let is_name = key.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.*/-: ".contains(&b));
    if is_name && !key.contains("hunter2") { key } else { "(a key that is no name)" }
}

/// Visits every key of a tree, and every table in a list, with its path.
fn walk<'a>(node: &'a Node, path: &str, visit: &mut impl FnMut(&str, &'a Node)) {
    match &node.value {
        Value::Map(entries) => {
            for e in entries {
                let key = shown(&e.key);
                let below = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
                visit(&below, &e.node);
                walk(&e.node, &below, visit);
            }
        }
        Value::Seq(list) => {
            for (i, n) in list.iter().enumerate() {
                walk(n, &format!("{path}[{i}]"), visit);
            }
        }
        _ => {}
    }
}

/// Whether a path is another, or stands below it.
fn within(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[', ':']))
}

#[test]
fn every_setting_is_mapped_or_told() {
    for (file, tree, imported) in imported() {
        let told: Vec<&str> = imported
            .mapped
            .iter()
            .map(|(_, p)| p)
            .chain(imported.findings.iter().map(|f| &f.path))
            .map(String::as_str)
            .collect();
        let mut missing = Vec::new();
        walk(&tree, "", &mut |path, _| {
            if !told.iter().any(|p| within(path, p) || within(p, path)) {
                missing.push(path.to_owned());
            }
        });
        assert_eq!(missing, [""; 0], "{file}");
    }
}

/// The tree as YAML on one line, without one key, or with another value for it.
fn written(node: &Node, path: &str, changed: &str, value: Option<&Value>, out: &mut String) {
    match &node.value {
        Value::Map(entries) => {
            let below = |e: &Entry| if path.is_empty() { e.key.clone() } else { format!("{path}.{}", e.key) };
            out.push('{');
            for e in entries {
                let path = below(e);
                let (here, value_here) = (path == changed, value.cloned());
                match (here, value_here) {
                    (true, None) => continue,
                    (here, other) => {
                        out.push_str(&serde_json::to_string(&e.key).unwrap());
                        out.push_str(": ");
                        let new = other.filter(|_| here).map(Node::of);
                        written(new.as_ref().unwrap_or(&e.node), &path, changed, value, out);
                        out.push_str(", ");
                    }
                }
            }
            out.push('}');
        }
        Value::Seq(list) => {
            out.push('[');
            for (i, n) in list.iter().enumerate() {
                written(n, &format!("{path}[{i}]"), changed, value, out);
                out.push_str(", ");
            }
            out.push(']');
        }
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(&b.to_string()),
        Value::Int(n) => out.push_str(&n.to_string()),
        Value::Float(x) => out.push_str(&format!("{x:.12}")),
        Value::Str(s) => out.push_str(&serde_json::to_string(s).unwrap()),
    }
}

/// The scenario that comes of a configuration, as the simulation sees it.
fn comes_to(tree: &Node, changed: &str, value: Option<&Value>) -> Option<String> {
    let mut text = String::new();
    written(tree, "", changed, value, &mut text);
    let imported = scenario(&text, "config.yaml").ok()?;
    Some(format!("{:?}", from_str(&imported.scenario, "imported.toml", None).ok()?.scenario))
}

/// What is reported as mapped decides something: without it, or with another value, another scenario comes out.
#[test]
fn what_counts_as_mapped_is_in_the_scenario() {
    let mut checked = 0;
    for (file, tree, imported) in imported() {
        let as_it_is = comes_to(&tree, "", None).unwrap_or_else(|| panic!("{file} written anew"));
        let mut without_effect = Vec::new();
        walk(&tree, "", &mut |path, node| {
            if !imported.mapped.iter().any(|(_, p)| p == path) {
                return;
            }
            let others = match &node.value {
                Value::Bool(b) => vec![Value::Bool(!b)],
                Value::Int(n) => vec![Value::Int(n + 1)],
                Value::Float(x) => vec![Value::Float(x * 2.0)],
                // the default of Azure is eastus2, which the host of an address may name as well
                Value::Str(s) => {
                    vec![Value::Str(format!("{s}-other")), Value::Str(s.replace("eastus2", "westeurope"))]
                }
                _ => vec![],
            };
            let others: Vec<Value> = others.into_iter().filter(|v| *v != node.value).collect();
            // what cannot be left out or changed alone (the members of a group with priorities) is an error then
            let results: Vec<Option<String>> =
                [None].into_iter().chain(others.iter().map(Some)).map(|v| comes_to(&tree, path, v)).collect();
            let differs = results.iter().flatten().any(|s| *s != as_it_is);
            if !differs && results.iter().any(Option::is_some) {
                without_effect.push(path.to_owned());
            }
            checked += 1;
        });
        assert_eq!(without_effect, [""; 0], "{file}");
    }
    assert!(checked > 100, "{checked}");
}
