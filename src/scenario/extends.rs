//! `extends`: tables merge key by key, everything else is replaced; later bases win, and own keys win over all.

use super::decode::{Cx, Decode, Named, OneOrMany};
use super::diagnostic::{At, Diagnostic, Loc};
use super::raw::{RawDeployment, RawTopology};

/// A table that can extend others of its kind.
pub trait Extending: Decode {
    /// The bases, in the order of the file.
    fn bases(&self) -> &[At<String>];
    /// Whether it is only there to be extended.
    fn is_abstract(&self) -> bool;
    /// Forgets `extends` and `abstract`, which are not inherited.
    fn forget(&mut self);
}

macro_rules! extending {
    ($raw:ty) => {
        impl Extending for $raw {
            fn bases(&self) -> &[At<String>] {
                self.extends.as_ref().map_or(&[], |OneOrMany { items }| items)
            }
            fn is_abstract(&self) -> bool {
                self.r#abstract.is_some_and(|a| a.value)
            }
            fn forget(&mut self) {
                self.extends = None;
                self.r#abstract = None;
                self.bad.retain(|k| !matches!(*k, "extends" | "abstract"));
            }
        }
    };
}
extending!(RawDeployment);
extending!(RawTopology);

/// An entry after merging.
#[derive(Clone, Debug)]
pub struct Resolved<T> {
    /// Its name.
    pub name: At<String>,
    /// Own and inherited keys together; `None` if its own table was unreadable.
    pub value: Option<T>,
    /// The keys that stand in its own table.
    pub own: Option<T>,
    /// Something it inherits from is broken, so that missing keys prove nothing.
    pub broken: bool,
    /// Only there to be extended.
    pub is_abstract: bool,
}

/// Merges every entry with what it extends, and reports unknown bases, cycles, and required keys that are missing from
/// entries that are not abstract. `section` is the key of the table, for messages.
pub fn resolve<T: Extending>(named: &Named<T>, section: &str, cx: &mut Cx) -> Vec<Resolved<T>> {
    let n = named.entries.len();
    let mut done: Vec<Option<Resolved<T>>> = (0..n).map(|_| None).collect();
    let mut open: Vec<(usize, Loc)> = Vec::new();
    for i in 0..n {
        visit(i, named, section, &mut open, &mut done, cx);
    }
    let all: Vec<Resolved<T>> = done.into_iter().map(|d| d.expect("every entry was visited")).collect();
    let gaps: Vec<Vec<Diagnostic>> = all.iter().map(|r| missing(r, section)).collect();
    for (r, own) in all.iter().zip(&gaps) {
        // what a base lacks is said once, there
        let bases = r.own.iter().flat_map(|t| t.bases()).filter_map(|b| named.position(&b.value));
        if bases.into_iter().all(|b| gaps[b].is_empty()) {
            for d in own {
                *cx.error(d.loc, "") = d.clone();
            }
        }
    }
    all
}

/// Longest chain of `extends`; each level is a call.
const DEEPEST: usize = 64;

/// The required keys that an entry lacks.
fn missing<T: Extending>(r: &Resolved<T>, section: &str) -> Vec<Diagnostic> {
    let mut cx = Cx::new();
    if let Some(value) = r.value.as_ref().filter(|_| !r.is_abstract && !r.broken) {
        cx.within(section, |cx| cx.within(&r.name.value, |cx| value.complete(cx)));
    }
    cx.diagnostics
}

/// Resolves entry `i` after what it extends. `open` holds the entries being resolved and where each names the next, so
/// a cycle shows as an entry that is open.
fn visit<T: Extending>(
    i: usize,
    named: &Named<T>,
    section: &str,
    open: &mut Vec<(usize, Loc)>,
    done: &mut Vec<Option<Resolved<T>>>,
    cx: &mut Cx,
) {
    if done[i].is_some() {
        return;
    }
    let (name, own) = &named.entries[i];
    let mut value = own.clone();
    let mut broken = own.is_none();
    let bases: Vec<At<String>> = own.as_ref().map_or(Vec::new(), |t| t.bases().to_vec());
    for (k, base) in bases.iter().enumerate() {
        if let Some(first) = bases[..k].iter().find(|b| b.value == base.value) {
            let first = first.loc;
            cx.error(base.loc, format!("`{}` extends `{}` twice", name.value, base.value))
                .note(first, "the first time");
        }
    }
    for base in bases.iter().rev() {
        let Some(b) = named.position(&base.value) else {
            cx.unknown_name(section, base, named.names());
            broken = true;
            continue;
        };
        let start = if b == i { Some(open.len()) } else { open.iter().position(|&(e, _)| e == b) };
        if let Some(start) = start {
            let mut chain: Vec<&str> =
                open[start.min(open.len())..].iter().map(|&(e, _)| named.entries[e].0.value.as_str()).collect();
            chain.push(&name.value);
            chain.push(&base.value);
            let text = format!("cycle in `extends`: {}", chain.join(" -> "));
            cx.error(base.loc, text).help("put what they share into a table of its own with `abstract = true`");
            broken = true;
            continue;
        }
        if open.len() >= DEEPEST {
            cx.error(base.loc, format!("more than {DEEPEST} levels of `extends`"));
            broken = true;
            continue;
        }
        open.push((i, base.loc));
        visit(b, named, section, open, done, cx);
        open.pop();
        let inherited = done[b].as_ref().expect("just visited");
        broken |= inherited.broken;
        if let (Some(value), Some(base)) = (&mut value, &inherited.value) {
            let mut base = base.clone();
            base.forget();
            value.merge(&base);
        }
    }
    let is_abstract = own.as_ref().is_some_and(Extending::is_abstract);
    done[i] = Some(Resolved { name: name.clone(), value, own: own.clone(), broken, is_abstract });
}
