//! A metric as written in objectives, checks and results: `ttft_ms.p95{users=singapore}`.

use super::definitions::{MetricDef, Selector, Stat, definition, definitions};
use super::errors::ERROR_CLASSES;
use super::suggest::suggest;
use std::collections::BTreeMap;
use std::fmt;

/// A metric, the statistic if it is a distribution, and the selectors: everything that names one number of a result.
/// `Display` writes the canonical form (selectors in their order), which parses back to the same reference.
#[derive(Clone, Debug)]
pub struct MetricRef {
    def: &'static MetricDef,
    stat: Option<Stat>,
    /// Ascending by selector, none twice.
    selectors: Vec<(Selector, String)>,
}

/// The names that selectors may take in a scenario. A selector that is not in the map takes any name.
pub type KnownNames = BTreeMap<Selector, Vec<String>>;

/// What is wrong with a metric reference, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MetricError {
    /// What is wrong.
    pub kind: MetricErrorKind,
    /// The byte offset in the text where the trouble begins.
    pub offset: usize,
    /// How many bytes it takes; 0 if something is missing there.
    pub len: usize,
    /// What to write instead of those bytes, if something similar exists.
    pub suggestion: Option<String>,
}

/// The kinds of mistakes in a metric reference.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MetricErrorKind {
    /// No such metric.
    UnknownMetric(String),
    /// A distribution has no such statistic.
    UnknownStat(&'static str, String),
    /// A distribution without a statistic is not a number.
    MissingStat(&'static str),
    /// A single number has no statistics.
    NotADistribution(&'static str, String),
    /// No such selector.
    UnknownSelector(String),
    /// The selector exists, but not for this metric.
    SelectorNotAllowed(&'static str, Selector),
    /// The metric says nothing without this selector.
    MissingSelector(&'static str, Selector),
    /// The metric is measured by either selector, not by both at once.
    NotTogether(&'static str, Selector, Selector),
    /// The same selector twice.
    DuplicateSelector(Selector),
    /// The scenario has nothing of that name.
    UnknownName(Selector, String),
    /// Not in the form `name.stat{selector=value}`.
    Syntax(&'static str),
}

impl fmt::Display for MetricError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            MetricErrorKind::UnknownMetric(found) if found.is_empty() => write!(f, "expected the name of a metric"),
            MetricErrorKind::UnknownMetric(found) => write!(f, "unknown metric `{found}`"),
            MetricErrorKind::UnknownStat(metric, found) => write!(f, "`{metric}` has no statistic `{found}`"),
            MetricErrorKind::MissingStat(metric) => {
                write!(f, "`{metric}` is a distribution; say which statistic of it")
            }
            MetricErrorKind::NotADistribution(metric, found) => {
                write!(f, "`{metric}` is a single number and has no statistic `{found}`")
            }
            MetricErrorKind::UnknownSelector(found) => write!(f, "unknown selector `{found}`"),
            MetricErrorKind::SelectorNotAllowed(metric, s) => {
                write!(f, "`{metric}` is not measured by `{}`", s.name())
            }
            MetricErrorKind::MissingSelector(metric, s) => {
                write!(f, "`{metric}` needs the selector `{0}`, as in `{metric}{{{0}=...}}`", s.name())
            }
            MetricErrorKind::NotTogether(metric, a, b) => {
                write!(f, "`{metric}` is measured by `{}` or by `{}`, not by both at once", a.name(), b.name())
            }
            MetricErrorKind::DuplicateSelector(s) => write!(f, "the selector `{}` is given twice", s.name()),
            MetricErrorKind::UnknownName(s, found) => match s {
                Selector::Users => write!(f, "there is no user group `{found}`"),
                Selector::Error => write!(f, "there is no error class `{found}`"),
                _ => write!(f, "there is no {} `{found}`", s.name()),
            },
            MetricErrorKind::Syntax(expected) => write!(f, "expected {expected}"),
        }
    }
}

impl std::error::Error for MetricError {}

impl MetricError {
    fn new(kind: MetricErrorKind, offset: usize, len: usize) -> MetricError {
        MetricError { kind, offset, len, suggestion: None }
    }

    fn suggesting(mut self, suggestion: Option<impl Into<String>>) -> MetricError {
        self.suggestion = suggestion.map(Into::into);
        self
    }

    /// What the user can do about it: the suggestion, or else what is allowed there.
    pub fn help(&self) -> Option<String> {
        if let Some(s) = &self.suggestion {
            return Some(format!("did you mean `{s}`?"));
        }
        let list = |names: Vec<&str>| (!names.is_empty()).then(|| names.join(", "));
        let def = |name: &str| definition(name).expect("errors name metrics that exist");
        match &self.kind {
            MetricErrorKind::UnknownMetric(_) => {
                list(definitions().iter().map(|d| d.name).collect()).map(|l| format!("metrics are {l}"))
            }
            MetricErrorKind::UnknownStat(m, _) | MetricErrorKind::MissingStat(m) => {
                list(def(m).stats.iter().map(|s| s.name()).collect()).map(|l| format!("statistics are {l}"))
            }
            MetricErrorKind::UnknownSelector(_) => {
                list(Selector::ALL.iter().map(|s| s.name()).collect()).map(|l| format!("selectors are {l}"))
            }
            MetricErrorKind::SelectorNotAllowed(m, _) => {
                match list(def(m).selectors.iter().map(|s| s.name()).collect()) {
                    Some(l) => Some(format!("`{m}` can be selected by {l}")),
                    None => Some(format!("`{m}` is measured for the whole topology only")),
                }
            }
            MetricErrorKind::UnknownName(Selector::Error, _) => {
                list(ERROR_CLASSES.to_vec()).map(|l| format!("error classes are {l}"))
            }
            _ => None,
        }
    }
}

impl MetricRef {
    /// A reference built by a program rather than read from a text.
    ///
    /// # Panics
    /// If the metric does not exist, or the statistic or a selector does not apply to it: a bug in the caller.
    pub fn new(name: &str, stat: Option<Stat>, selectors: &[(Selector, &str)]) -> MetricRef {
        let def = definition(name).unwrap_or_else(|| panic!("no metric `{name}`"));
        assert_eq!(stat.is_some(), def.is_distribution(), "`{name}` and its statistic");
        let mut selectors: Vec<(Selector, String)> = selectors.iter().map(|&(s, v)| (s, v.to_owned())).collect();
        selectors.sort();
        assert!(selectors.windows(2).all(|w| w[0].0 < w[1].0), "`{name}`: a selector twice");
        assert!(selectors.iter().all(|(s, _)| def.selectors.contains(s)), "`{name}`: selector does not apply");
        assert!(selectors.iter().all(|(_, v)| !v.is_empty()), "`{name}`: a selector without a value");
        assert!(def.together || selectors.len() < 2, "`{name}`: one selector at a time");
        assert!(def.required.iter().all(|r| selectors.iter().any(|(s, _)| s == r)), "`{name}`: selector missing");
        MetricRef { def, stat, selectors }
    }

    /// Reads `name`, `name.stat` or either with `{selector=value, ...}`. A value that contains `,` `=` `{` `}` `"`
    /// `<` `>` or a backslash, or begins or ends with a space, is written in double quotes.
    ///
    /// # Errors
    /// [`MetricError`] with the byte offset in `text` and a suggestion.
    pub fn parse(text: &str) -> Result<MetricRef, MetricError> {
        MetricRef::parse_known(text, &KnownNames::new())
    }

    /// [`MetricRef::parse`], checking in addition that the values of selectors exist in the scenario.
    ///
    /// # Errors
    /// [`MetricError`] with the byte offset in `text` and a suggestion.
    pub fn parse_known(text: &str, known: &KnownNames) -> Result<MetricRef, MetricError> {
        let head_end = text.find('{').unwrap_or(text.len());
        let (def, stat) = parse_head(&text[..head_end])?;
        let mut found: Vec<(Selector, String)> = Vec::new();
        if head_end < text.len() {
            let mut cursor = Cursor { text, at: head_end + 1 };
            loop {
                let (selector, value) = parse_selector(&mut cursor, def, known, &found)?;
                found.push((selector, value));
                if cursor.take('}') {
                    break;
                }
                if !cursor.take(',') {
                    return Err(cursor.syntax("`,` or `}`"));
                }
            }
            if cursor.skip_spaces().is_some() {
                return Err(cursor.syntax("the end of the metric's name after `}`"));
            }
        }
        if let Some(&missing) = def.required.iter().find(|r| !found.iter().any(|(s, _)| s == *r)) {
            let kind = MetricErrorKind::MissingSelector(def.name, missing);
            return Err(MetricError::new(kind, text.trim_end().len(), 0));
        }
        found.sort();
        Ok(MetricRef { def, stat, selectors: found })
    }

    /// The metric.
    pub fn def(&self) -> &'static MetricDef {
        self.def
    }
    /// The statistic, for a distribution.
    pub fn stat(&self) -> Option<Stat> {
        self.stat
    }
    /// The value of a selector, if given.
    pub fn selector(&self, s: Selector) -> Option<&str> {
        self.selectors.iter().find(|(t, _)| *t == s).map(|(_, v)| v.as_str())
    }
    /// All selectors with their values, in order.
    pub fn selectors(&self) -> &[(Selector, String)] {
        &self.selectors
    }
}

/// Reads `name` or `name.stat`. Names may contain a point themselves (`incident.failed`), so the longest name wins.
fn parse_head(head: &str) -> Result<(&'static MetricDef, Option<Stat>), MetricError> {
    let offset = head.len() - head.trim_start().len();
    let name = head.trim();
    if let Some(def) = definition(name) {
        return match def.is_distribution() {
            false => Ok((def, None)),
            true => Err(MetricError::new(MetricErrorKind::MissingStat(def.name), offset, name.len())
                .suggesting(Some(format!("{}.p95", def.name)))),
        };
    }
    if let Some((base, stat_text)) = name.rsplit_once('.')
        && let Some(def) = definition(base)
    {
        let (at, len) = (offset + base.len() + 1, stat_text.len());
        if !def.is_distribution() {
            let kind = MetricErrorKind::NotADistribution(def.name, stat_text.to_owned());
            return Err(MetricError::new(kind, offset, name.len()).suggesting(Some(def.name)));
        }
        return match Stat::parse(stat_text) {
            Some(stat) => Ok((def, Some(stat))),
            None => Err(MetricError::new(MetricErrorKind::UnknownStat(def.name, stat_text.to_owned()), at, len)
                .suggesting(suggest(stat_text, def.stats.iter().map(|s| s.name())))),
        };
    }
    Err(unknown_metric(name, offset))
}

fn unknown_metric(name: &str, offset: usize) -> MetricError {
    let names = || definitions().iter().map(|d| d.name);
    let unknown = |found: &str| MetricErrorKind::UnknownMetric(found.to_owned());
    // a statistic joined by something other than a point: `ttft_ms_p95`
    for stat in Stat::ALL {
        if let Some(base) = name.strip_suffix(stat.name())
            && let Some(base) = base.strip_suffix(['_', '-', ':', ' '])
            && definition(base).is_some_and(MetricDef::is_distribution)
        {
            return MetricError::new(unknown(name), offset, name.len())
                .suggesting(Some(format!("{base}.{}", stat.name())));
        }
    }
    if let Some((base, stat)) = name.rsplit_once('.')
        && (Stat::parse(stat).is_some() || suggest(name, names()).is_none())
    {
        return MetricError::new(unknown(base), offset, base.len()).suggesting(suggest(base, names()));
    }
    MetricError::new(unknown(name), offset, name.len()).suggesting(suggest(name, names()))
}

/// Reads one `selector=value`.
fn parse_selector(
    cursor: &mut Cursor<'_>,
    def: &'static MetricDef,
    known: &KnownNames,
    before: &[(Selector, String)],
) -> Result<(Selector, String), MetricError> {
    cursor.skip_spaces();
    let at = cursor.at;
    let name = cursor.take_bare().trim_end();
    if name.is_empty() {
        return Err(cursor.syntax("a selector such as `users=...`"));
    }
    let here = |kind| MetricError::new(kind, at, name.len());
    let Some(selector) = Selector::parse(name) else {
        return Err(here(MetricErrorKind::UnknownSelector(name.to_owned()))
            .suggesting(suggest(name, def.selectors.iter().map(|s| s.name()))));
    };
    if !def.selectors.contains(&selector) {
        return Err(here(MetricErrorKind::SelectorNotAllowed(def.name, selector)));
    }
    if before.iter().any(|(s, _)| *s == selector) {
        return Err(here(MetricErrorKind::DuplicateSelector(selector)));
    }
    if let (false, Some(&(other, _))) = (def.together, before.first()) {
        return Err(here(MetricErrorKind::NotTogether(def.name, other, selector)));
    }
    if !cursor.take('=') {
        return Err(cursor.syntax("`=` and a value"));
    }
    cursor.skip_spaces();
    let at = cursor.at;
    let value = cursor.take_value()?;
    if let Some(names) = known.get(&selector)
        && !names.contains(&value)
    {
        let suggestion = suggest(&value, names.iter().map(String::as_str)).map(quoted_if_needed);
        let kind = MetricErrorKind::UnknownName(selector, value);
        return Err(MetricError::new(kind, at, cursor.text[at..cursor.at].trim_end().len()).suggesting(suggestion));
    }
    Ok((selector, value))
}

/// Characters that end a bare word.
fn is_special(c: char) -> bool {
    matches!(c, ',' | '=' | '{' | '}' | '"' | '<' | '>' | '\\')
}

/// A place in the text.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn skip_spaces(&mut self) -> Option<char> {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        self.text[self.at..].chars().next()
    }

    /// Skips spaces and moves past `wanted` if it is next.
    fn take(&mut self, wanted: char) -> bool {
        let found = self.skip_spaces() == Some(wanted);
        self.at += if found { wanted.len_utf8() } else { 0 };
        found
    }

    fn take_bare(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let end = rest.find(is_special).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn take_value(&mut self) -> Result<String, MetricError> {
        let start = self.at;
        if !self.text[start..].starts_with('"') {
            let value = self.take_bare().trim_end();
            if value.is_empty() {
                return Err(self.syntax("a value after `=`"));
            }
            return Ok(value.to_owned());
        }
        let mut value = String::new();
        let mut chars = self.text[start + 1..].char_indices();
        while let Some((i, c)) = chars.next() {
            match c {
                '"' if value.is_empty() => {
                    return Err(MetricError::new(MetricErrorKind::Syntax("a value that is not empty"), start, 2));
                }
                '"' => {
                    self.at = start + 1 + i + 1;
                    return Ok(value);
                }
                '\\' => match chars.next() {
                    Some((_, escaped @ ('"' | '\\'))) => value.push(escaped),
                    _ => {
                        let kind = MetricErrorKind::Syntax("`\\\"` or `\\\\` after a backslash");
                        return Err(MetricError::new(kind, start + 1 + i, 1));
                    }
                },
                c => value.push(c),
            }
        }
        self.at = self.text.len();
        Err(MetricError::new(MetricErrorKind::Syntax("a closing `\"`"), start, self.text.len() - start))
    }

    /// An error about the character here, or about the end of the text.
    fn syntax(&self, expected: &'static str) -> MetricError {
        let len = self.text[self.at..].chars().next().map_or(0, char::len_utf8);
        MetricError::new(MetricErrorKind::Syntax(expected), self.at, len)
    }
}

/// A selector's value as it has to be written.
fn quoted_if_needed(value: &str) -> String {
    if value.is_empty() || value.trim() != value || value.contains(is_special) {
        format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        value.to_owned()
    }
}

impl fmt::Display for MetricRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.def.name)?;
        if let Some(stat) = self.stat {
            write!(f, ".{}", stat.name())?;
        }
        for (i, (s, v)) in self.selectors.iter().enumerate() {
            write!(f, "{}{}={}", if i == 0 { "{" } else { "," }, s.name(), quoted_if_needed(v))?;
        }
        if self.selectors.is_empty() { Ok(()) } else { f.write_str("}") }
    }
}

impl PartialEq for MetricRef {
    fn eq(&self, o: &MetricRef) -> bool {
        (self.def.name, self.stat, &self.selectors) == (o.def.name, o.stat, &o.selectors)
    }
}
impl Eq for MetricRef {}
