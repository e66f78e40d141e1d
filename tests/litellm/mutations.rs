//! The replay can fail: files that were changed in one place are refused.

use serde_json::Value;
use std::path::Path;

type Change = (&'static str, &'static str, &'static str, fn(&mut Value) -> Option<()>);

/// A file, what is changed in it, part of the message, and the change.
const CHANGES: [Change; 10] = [
    ("latency_basic", "the deployment of an attempt", "attempt", |v| {
        let a = v["attempts"].get_mut(7)?;
        *a.get_mut("deployment")? = "B".into();
        Some(())
    }),
    ("retry_single_500", "the time of an attempt", "attempt 1", |v| {
        *v["attempts"].get_mut(1)?.get_mut("t")? = 0.654_3.into();
        Some(())
    }),
    ("cooldown_default_500", "the duration of a cool-down", "cool-down 0", |v| {
        *v["cooldowns"].get_mut(0)?.get_mut("cooldown_s")? = 6.into();
        Some(())
    }),
    ("cooldown_default_500", "a cool-down too few", "cool-down 2", |v| {
        v["cooldowns"].as_array_mut()?.pop().map(|_| ())
    }),
    ("retry_single_500", "a pause", "retry pause 3", |v| {
        *v["retry_sleeps"].get_mut(3)?.get_mut("sleep_s")? = 4.4.into();
        Some(())
    }),
    ("fallback_chain", "the number of fallbacks", "request 0", |v| {
        *v["results"].get_mut(0)?.get_mut("attempted_fallbacks")? = 7.into();
        Some(())
    }),
    ("cooldown_all", "the status of an outcome", "request 0", |v| {
        *v["results"].get_mut(0)?.get_mut("status")? = 500.into();
        Some(())
    }),
    ("tag_filter", "the candidates of a draw", "draw 2", |v| {
        *v["rng_tape"].get_mut(1)?.get_mut("candidates")? = Value::from(vec!["C"]);
        Some(())
    }),
    ("latency_basic", "a setting of the router", "draw 8", |v| {
        v["router"]
            .as_object_mut()?
            .insert("routing_strategy_args".to_owned(), serde_json::json!({"lowest_latency_buffer": 9}));
        Some(())
    }),
    ("latency_basic", "a setting that nobody knows", "is not mapped", |v| {
        v["router"].as_object_mut()?.insert("routing_stratgy".to_owned(), "least-busy".into());
        Some(())
    }),
];

/// Every change is noticed, in the place where it was made.
pub fn are_noticed(root: &Path) -> Result<(), String> {
    for (name, what, message, change) in CHANGES {
        let text = crate::read(&root.join(format!("tests/litellm/vectors/{name}.json")))?;
        let mut value: Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
        change(&mut value).ok_or_else(|| format!("{name}: {what} cannot be changed"))?;
        match crate::check(&value.to_string()) {
            Ok(()) => return Err(format!("{name}: {what} was changed and not noticed")),
            Err(e) if e.contains(message) => {}
            Err(e) => return Err(format!("{name}: {what} was changed, the message is `{e}`")),
        }
    }
    Ok(())
}
