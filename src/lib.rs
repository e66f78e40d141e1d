//! **geodes** is a deterministic discrete-event simulator and capacity planner for AI products that run in several
//! regions. It answers: if we lay our product out over these regions, providers and policies, what will users feel,
//! what will it cost, and what happens when something breaks?
//!
//! The rooms of the house, from the ground up; a room uses only rooms listed before it:
//!
//! | room | what it holds |
//! |---|---|
//! | [`units`] | time, money, tokens, rates, identifiers, coordinates |
//! | [`random`], [`kernel`] | addressed draws and samplers; pending-event set, clock and run loop |
//! | [`routing`] | the real routing, fallback, limit and health algorithms, sans-IO |
//! | [`catalog`] | shipped data, every row with source, date and licence |
//! | [`measure`], [`cost`] | histograms, timelines, metric names, intervals; prices, ledger, bill |
//! | [`scenario`] | a file becomes a validated scenario, or diagnostics with line and column |
//! | [`world`] | one run: a validated scenario and a seed become a record |
//! | [`study`] | questions asked of many runs |
//! | [`report`] | text, JSON, CSV and charts of the same results |
//! | [`cli`] | the command line |

#![forbid(unsafe_code)]

pub mod units;

pub mod kernel;
pub mod random;

pub mod routing;

pub mod catalog;

pub mod cost;
pub mod measure;

pub mod scenario;

pub mod world;

pub mod study;

pub mod report;

#[cfg(feature = "cli")]
pub mod cli;
