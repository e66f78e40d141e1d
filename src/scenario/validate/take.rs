//! Values out of optional keys: the documented default where there is none, and ranges.

use crate::scenario::decode::{Cx, Decode, Leaf};
use crate::scenario::defaults::Default;
use crate::scenario::diagnostic::{At, Loc};
use std::fmt::Display;
use std::ops::RangeInclusive;
use toml::de::DeValue;

/// The default as a raw value.
///
/// # Panics
/// If the default is not valid, which a test over all of them rules out.
pub fn default_value<T: Decode>(default: &'static Default) -> T {
    let mut scratch = Cx::new();
    let value = DeValue::parse(default.value).unwrap_or_else(|e| panic!("default of {}: {e}", default.key));
    let decoded = T::decode(&value, Loc::START, &mut scratch);
    decoded.unwrap_or_else(|| panic!("default of {}: {:?}", default.key, scratch.diagnostics))
}

impl Cx {
    /// Remembers that a default was used.
    pub fn used(&mut self, key: impl Into<String>, value: impl Into<String>, provenance: impl Into<String>) {
        self.defaults.insert(key.into(), (value.into(), provenance.into()));
    }

    /// What the file says, or the default.
    pub fn or<T: Decode>(&mut self, own: &Option<T>, default: &'static Default) -> T {
        match own {
            Some(own) => own.clone(),
            None => {
                self.used(default.key, default.value, default.provenance);
                default_value(default)
            }
        }
    }

    /// What the file says, or the default; `loc` is where errors about a default point (it has no place in the file).
    pub fn or_at<T: Leaf>(&mut self, own: &Option<At<T>>, default: &'static Default, loc: Loc) -> At<T> {
        match own {
            Some(own) => own.clone(),
            None => At { loc, ..self.or(own, default) },
        }
    }

    /// The value if it is in the range; otherwise an error, and the nearest value that is.
    pub fn within_range<T: PartialOrd + Copy + Display>(
        &mut self,
        value: At<T>,
        key: &str,
        range: RangeInclusive<T>,
    ) -> T {
        let (low, high) = (*range.start(), *range.end());
        if range.contains(&value.value) {
            return value.value;
        }
        self.error(value.loc, format!("`{key}` is {}, which is out of range", value.value))
            .expected(format!("{low} to {high}"));
        if value.value < low { low } else { high }
    }

    /// [`Cx::within_range`] for counts that become `u32`.
    pub fn count(&mut self, value: At<u64>, key: &str, range: RangeInclusive<u32>) -> u32 {
        let wide = u64::from(*range.start())..=u64::from(*range.end());
        self.within_range(value, key, wide) as u32
    }

    /// A positive duration; otherwise an error.
    pub fn positive(&mut self, value: At<crate::units::Span>, key: &str) -> crate::units::Span {
        if value.value == crate::units::Span::ZERO {
            self.error(value.loc, format!("`{key}` must be longer than 0"));
        }
        value.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::decode::{Desc, FieldDesc, Need};
    use crate::scenario::defaults::ALL;
    use crate::scenario::raw::RawScenario;

    /// Every default is decoded by the type of every key that uses it.
    #[test]
    fn every_default_is_written_correctly_and_used() {
        fn walk(desc: &Desc, seen: &mut Vec<&'static str>) {
            match desc {
                Desc::List(d) | Desc::OneOrMany(d) | Desc::Named(d) => walk(d, seen),
                Desc::Table { fields, .. } => {
                    for FieldDesc { need, desc, check, .. } in fields {
                        if let Need::Or(default) = need {
                            seen.push(default.key);
                            check(default);
                        }
                        walk(desc, seen);
                    }
                }
                Desc::Choice { variants, .. } => variants.iter().for_each(|v| walk(&v.2, seen)),
                Desc::Leaf { .. } | Desc::Nothing => {}
            }
        }
        let mut seen = Vec::new();
        walk(&RawScenario::desc(), &mut seen);
        for default in ALL {
            assert!(seen.contains(&default.key), "{} is declared but no key uses it", default.key);
            assert!(!default.provenance.is_empty());
        }
    }
}
