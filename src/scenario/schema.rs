//! The JSON Schema of scenario files (draft 2020-12), from the declarations of the language.

use super::decode::{Decode, Desc, FieldDesc, Need};
use super::raw::RawScenario;
use serde_json::{Map, Value, json};

/// The JSON Schema of a scenario file, for editors. It checks keys, kinds and units; what needs the catalogue or other
/// parts of the file is left to [`super::load`].
pub fn schema() -> Value {
    let mut defs = Map::new();
    let root = of(&RawScenario::desc(), &mut defs);
    defs.sort_keys();
    let mut out = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "geodes scenario",
    });
    let object = out.as_object_mut().expect("an object literal");
    object.extend(root.as_object().expect("a reference").clone());
    object.insert("$defs".to_owned(), Value::Object(defs));
    out
}

/// The schema of a type; tables and choices go to `defs` and are referred to.
fn of(desc: &Desc, defs: &mut Map<String, Value>) -> Value {
    match desc {
        Desc::Leaf { schema, .. } => schema.clone(),
        Desc::List(inner) => json!({ "type": "array", "items": of(inner, defs) }),
        Desc::OneOrMany(inner) => {
            let item = of(inner, defs);
            json!({ "anyOf": [item, { "type": "array", "items": item }] })
        }
        Desc::Named(inner) => json!({ "type": "object", "additionalProperties": of(inner, defs) }),
        Desc::Nothing => json!({ "type": "object", "additionalProperties": false }),
        Desc::Table { name, doc, fields, extends } => {
            let key = definition(name);
            if !defs.contains_key(&key) {
                defs.insert(key.clone(), Value::Null);
                let table = table(doc, fields, *extends, defs);
                defs.insert(key.clone(), table);
            }
            json!({ "$ref": format!("#/$defs/{key}") })
        }
        Desc::Choice { name, doc, variants } => {
            let key = definition(name);
            if !defs.contains_key(&key) {
                defs.insert(key.clone(), Value::Null);
                let mut any = Vec::new();
                let bare = variants.iter().filter(|v| v.3 && v.2.may_be_empty());
                let bare: Vec<Value> = bare.map(|v| json!({ "const": v.0, "description": v.1 })).collect();
                any.extend(bare);
                for (variant, doc, content, _) in variants {
                    any.push(json!({
                        "type": "object",
                        "description": doc,
                        "properties": { *variant: of(content, defs) },
                        "required": [variant],
                        "additionalProperties": false,
                    }));
                }
                defs.insert(key.clone(), json!({ "description": doc, "oneOf": any }));
            }
            json!({ "$ref": format!("#/$defs/{key}") })
        }
    }
}

fn table(doc: &str, fields: &[FieldDesc], extends: bool, defs: &mut Map<String, Value>) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for f in fields {
        let mut property = of(&f.desc, defs);
        let object = property.as_object_mut().expect("schemas are objects");
        let mut description = f.doc.clone();
        match f.need {
            // what extends others may inherit its required keys
            Need::Required if !extends => required.push(Value::from(f.name)),
            Need::Or(default) => {
                description.push_str(&format!(" Default: `{}` ({}).", default.value, default.provenance))
            }
            Need::Required | Need::Optional => {}
        }
        object.insert("description".to_owned(), description.into());
        properties.insert(f.name.to_owned(), property);
    }
    let mut out =
        json!({ "type": "object", "description": doc, "properties": properties, "additionalProperties": false });
    if !required.is_empty() {
        out["required"] = Value::Array(required);
    }
    out
}

fn definition(name: &str) -> String {
    name.to_lowercase().replace([' ', '-'], "_")
}
