//! What an importer has to say about a setting that it did not, or not fully, take over.

use crate::scenario::diagnostic::Loc;

/// How a setting was treated.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// It changes what the gateway does in a way that is not simulated.
    NotModelled,
    /// The gateway itself does not know it, or does not read it there.
    Unknown,
    /// It decides neither whom a request is sent to nor what that costs.
    NoEffect,
}

impl Kind {
    /// All of them, most important first.
    pub const ALL: [Kind; 3] = [Kind::NotModelled, Kind::Unknown, Kind::NoEffect];

    /// As a heading.
    pub const fn heading(self) -> &'static str {
        match self {
            Kind::NotModelled => "not mapped, and it would matter",
            Kind::Unknown => "not known to the gateway",
            Kind::NoEffect => "not mapped, without effect on routing or cost",
        }
    }
}

/// One setting.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Where it stands.
    pub loc: Loc,
    /// Its line, from 1; 0 for a value that comes from no file.
    pub line: usize,
    /// Its path, for example `model_list[2].litellm_params.mock_response`.
    pub path: String,
    /// How it was treated.
    pub kind: Kind,
    /// Why.
    pub why: String,
}

/// Something that a scenario needs and the configuration does not say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Assumption {
    /// Line of what it is about, from 1; 0 for the whole.
    pub line: usize,
    /// What it is about.
    pub what: String,
    /// What was taken.
    pub value: String,
    /// Why.
    pub why: String,
}
