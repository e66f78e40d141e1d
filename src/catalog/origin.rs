//! How a price came to be: read from a list, taken from a rule, or estimated.

use std::fmt;

/// Where a price comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PriceOrigin {
    /// A row of a shipped price list.
    Listed {
        /// Id in [`super::sources`].
        source: &'static str,
    },
    /// A rule of the provider (by continent, first tier).
    Rule {
        /// Id in [`super::sources`].
        source: &'static str,
        /// The rule in words.
        rule: &'static str,
    },
    /// No row: taken over from another region.
    Estimated {
        /// Id in [`super::sources`] of the list that the price was taken from.
        source: &'static str,
        /// How.
        how: String,
    },
    /// No data at all.
    Assumption {
        /// The reasoning.
        why: &'static str,
    },
}

impl PriceOrigin {
    /// Whether the price is neither listed nor a published rule.
    pub fn is_estimated(&self) -> bool {
        matches!(self, PriceOrigin::Estimated { .. } | PriceOrigin::Assumption { .. })
    }
}

impl fmt::Display for PriceOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PriceOrigin::Listed { source } => write!(f, "listed ({source})"),
            PriceOrigin::Rule { source, rule } => write!(f, "{rule} ({source})"),
            PriceOrigin::Estimated { source, how } => write!(f, "estimated: {how} ({source})"),
            PriceOrigin::Assumption { why } => write!(f, "ASSUMPTION: {why}"),
        }
    }
}
