//! The committed schema and reference, and whether they cover the language.

use super::files::{root, toml_files};
use geodes::scenario::{reference, schema, starter};

/// The committed schema and reference are those of the declarations. `UPDATE_SCHEMA=1` writes them.
#[test]
fn schema_and_reference_are_committed() {
    let generated = [
        ("schema/scenario.schema.json", serde_json::to_string_pretty(&schema()).unwrap() + "\n"),
        ("docs/scenario.md", reference()),
    ];
    for (file, text) in generated {
        let path = root().join(file);
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == text, "{file} is not up to date: run the scenario tests with UPDATE_SCHEMA=1");
    }
}

/// The schema knows every key that shipped scenarios use: a walk along `properties` finds each.
#[test]
fn the_schema_covers_the_shipped_scenarios() {
    fn check(
        value: &toml::Value,
        node: &serde_json::Value,
        root: &serde_json::Value,
        path: &str,
    ) -> Result<(), String> {
        if let Some(reference) = node.get("$ref").and_then(|r| r.as_str()) {
            let key = reference.trim_start_matches("#/$defs/");
            return check(value, &root["$defs"][key], root, path);
        }
        for any in ["oneOf", "anyOf"] {
            if let Some(options) = node.get(any).and_then(|o| o.as_array()) {
                let results: Vec<_> = options.iter().map(|o| check(value, o, root, path)).collect();
                let fits = results.iter().filter(|r| r.is_ok()).count();
                let enough = if any == "oneOf" { fits == 1 } else { fits >= 1 };
                return if enough { Ok(()) } else { Err(format!("{path}: {fits} of {any} fit: {results:?}")) };
            }
        }
        if let Some(constant) = node.get("const") {
            return if value.as_str() == constant.as_str() { Ok(()) } else { Err(format!("{path}: not {constant}")) };
        }
        let kind = match value {
            toml::Value::Table(_) => "object",
            toml::Value::Array(_) => "array",
            toml::Value::String(_) => "string",
            toml::Value::Integer(_) => "integer",
            toml::Value::Float(_) => "number",
            toml::Value::Boolean(_) => "boolean",
            toml::Value::Datetime(_) => "string",
        };
        match node.get("type").and_then(|t| t.as_str()) {
            None => {}
            Some(t) if t == kind || (t == "number" && kind == "integer") => {}
            Some(t) => return Err(format!("{path}: {kind} instead of {t}")),
        }
        match value {
            toml::Value::Table(table) => {
                for (key, v) in table {
                    let sub = node.pointer(&format!("/properties/{key}")).or(node.get("additionalProperties"));
                    match sub {
                        Some(sub) if sub.is_object() => check(v, sub, root, &format!("{path}.{key}"))?,
                        _ => return Err(format!("{path}.{key}: not in the schema")),
                    }
                }
                for key in node.get("required").and_then(|r| r.as_array()).into_iter().flatten() {
                    if !table.contains_key(key.as_str().unwrap()) {
                        return Err(format!("{path}: {key} missing"));
                    }
                }
            }
            toml::Value::Array(items) => {
                for v in items {
                    check(v, &node["items"], root, path)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
    let schema = schema();
    let mut texts: Vec<String> = toml_files("scenarios").iter().map(|p| std::fs::read_to_string(p).unwrap()).collect();
    texts.push(starter().to_owned());
    for text in &texts {
        let value = toml::Value::Table(text.parse().unwrap());
        check(&value, &schema, &schema, "").unwrap_or_else(|e| panic!("{e}"));
    }
    let misspelt = texts[0].replacen("horizon", "horizont", 1);
    let value = toml::Value::Table(misspelt.parse().unwrap());
    assert!(check(&value, &schema, &schema, "").is_err(), "the check itself can fail");
}
