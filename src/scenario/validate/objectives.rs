//! Objectives.

use crate::measure::metric::ERROR_CLASSES;
use crate::measure::{KnownNames, Objective, Selector};
use crate::scenario::decode::Cx;
use crate::scenario::diagnostic::{At, Loc};
use crate::scenario::model::Workload;
use crate::scenario::raw::RawScenario;
use crate::scenario::suggest::did_you_mean;

/// The objectives in file order. `source` is the file's text, to place errors inside a string.
pub fn objectives(
    raw: &RawScenario,
    source: &str,
    workloads: &[Workload],
    known: &KnownNames,
    cx: &mut Cx,
) -> Vec<Objective> {
    let Some(lists) = &raw.objectives else { return Vec::new() };
    let mut out: Vec<Objective> = Vec::new();
    for (name, list) in &lists.entries {
        check_key(name, raw, workloads, cx);
        for text in list.iter().flat_map(|l| &l.items) {
            match Objective::parse_known(&text.value, known) {
                Ok(objective) => {
                    if objective.is_the_wrong_way_round() {
                        cx.warning(text.loc, format!("`{objective}` asks for the worse"))
                            .help("turn the sign round if that is not what is meant");
                    }
                    if out.contains(&objective) {
                        cx.error(text.loc, format!("duplicate objective `{objective}`"));
                    }
                    out.push(objective);
                }
                Err(e) => {
                    let loc = inside(source, text, e.offset, e.len);
                    cx.error(loc, format!("objective `{}`: {}", text.value, e.message)).maybe_help(e.help);
                }
            }
        }
    }
    out
}

/// Metrics are of all requests, so a key that names one of several workloads would promise what cannot be told apart.
fn check_key(name: &At<String>, raw: &RawScenario, workloads: &[Workload], cx: &mut Cx) {
    let written: Vec<&str> = raw.workload.as_ref().map_or(Vec::new(), |w| w.names().collect());
    if name.value == "all" || written == [name.value.as_str()] {
        return;
    }
    if written.contains(&name.value.as_str()) && workloads.len() > 1 {
        cx.error(
            name.loc,
            format!("metrics are of all requests, so `{}` cannot have objectives of its own", name.value),
        )
        .help("use `all`");
        return;
    }
    let known: Vec<&str> = if written.len() == 1 { vec!["all", written[0]] } else { vec!["all"] };
    let help = did_you_mean(&name.value, known.iter().copied());
    cx.error(name.loc, format!("unknown key `{}` in `objectives`", name.value))
        .expected("`all`, or the name of the only workload")
        .maybe_help(help);
}

/// The place of bytes `offset..offset + len` of a string's value in the file; the whole string if it is written with
/// escapes, so that value and text differ.
fn inside(source: &str, text: &At<String>, offset: usize, len: usize) -> Loc {
    let Loc { start, end } = text.loc;
    let quoted = source.get(start..end).unwrap_or("");
    let plain = quoted.len() == text.value.len() + 2 && quoted.get(1..quoted.len() - 1) == Some(text.value.as_str());
    if !plain {
        return text.loc;
    }
    let at = start + 1 + offset.min(text.value.len());
    Loc { start: at, end: (at + len).min(end - 1) }
}

/// Names that selectors may take.
pub fn known(
    users: Vec<String>,
    regions: Vec<String>,
    deployments: Vec<String>,
    providers: Vec<String>,
    faults: Vec<String>,
) -> KnownNames {
    KnownNames::from([
        (Selector::Users, users),
        (Selector::Region, regions),
        (Selector::Deployment, deployments),
        (Selector::Provider, providers),
        (Selector::Incident, faults),
        (Selector::Error, ERROR_CLASSES.map(str::to_owned).to_vec()),
    ])
}
