//! What arrives: workloads, their arrivals, shapes, traces and sizes.

use super::DistSpec;
use crate::units::{PerNanos, Span};
use std::sync::Arc;

/// What arrives.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Name in the file.
    pub name: String,
    /// When sessions start.
    pub arrivals: Arrivals,
    /// Turns of a session.
    pub turns: Turns,
    /// Pause of the user between an answer and the next turn.
    pub think: DistSpec,
    /// Tokens of a turn.
    pub sizes: Sizes,
    /// Whether earlier turns are sent again.
    pub context: Context,
    /// The request's `max_tokens`: outputs are cut here and quotas may reserve it.
    pub max_output_tokens: u32,
    /// Whether answers are streamed: if not, users and gateways see nothing of an answer before all of it.
    pub streamed: bool,
    /// Served means: last token within this time of sending the turn.
    pub limit: Span,
}

/// When sessions start.
#[derive(Clone, Debug)]
pub enum Arrivals {
    /// Poisson; non-homogeneous when a shape is given, in each group's local time.
    Poisson {
        /// Mean over the shape's period, all groups together.
        rate: PerNanos,
        /// Relative rate over local time.
        shape: Option<Arc<Shape>>,
    },
    /// Each row of the trace is one session of one turn, at its time after the start of the horizon.
    Replay {
        /// Rows in order of arrival.
        trace: Arc<TraceRows>,
    },
}

/// Relative request rate over a local period.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Name in the catalogue.
    pub name: String,
    /// Length of one step; the period is `step * weights.len()`, a whole number of days.
    pub step: Span,
    /// Relative rate per step, mean 1; the first step starts at local midnight (of a Monday for periods of weeks).
    pub weights: Vec<f64>,
}

/// Rows of a request trace.
#[derive(Clone, Debug)]
pub struct TraceRows {
    /// Name in the catalogue or file name.
    pub name: String,
    /// (arrival after the start of the horizon, input tokens, output tokens), sorted by arrival.
    pub rows: Vec<(Span, u32, u32)>,
}

/// Number of turns of a session.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Turns {
    /// Always the same.
    Fixed(u32),
    /// Geometric on 1, 2, ... with this mean.
    Geometric {
        /// Mean number of turns, at least 1.
        mean: f64,
    },
}

/// Tokens that the user adds and the model answers, per turn.
#[derive(Clone, Debug)]
pub enum Sizes {
    /// Always the same.
    Fixed {
        /// New input tokens.
        input: u32,
        /// Output tokens.
        output: u32,
    },
    /// Independent distributions (in tokens).
    Independent {
        /// New input tokens.
        input: DistSpec,
        /// Output tokens.
        output: DistSpec,
    },
    /// A row of the trace drawn at random, input and output together.
    Trace(Arc<TraceRows>),
}

/// What is sent besides the turn's own input.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Context {
    /// Nothing.
    Fresh,
    /// A system prompt and all earlier turns of the session, cut at `max_tokens`.
    Growing {
        /// Tokens in front of every conversation.
        system_tokens: u32,
        /// Longest prompt that is sent; older turns are dropped beyond.
        max_tokens: u32,
    },
}
