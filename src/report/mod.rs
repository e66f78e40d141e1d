//! One file per format. Every format reads the types of [`crate::study`]'s results and nothing else, so text, Markdown,
//! JSON, CSV and charts cannot disagree.
//!
//! | file | what it writes | feature |
//! |---|---|---|
//! | `text` | tables for a terminal of any width | `cli` |
//! | `policy_diff` | what changed between two policies, for a terminal or a spreadsheet | `cli` |
//! | `tale` | the story of one request, for a terminal | `cli` |
//! | [`markdown`] | the comparison and the incidents, for a README or a pull request | |
//! | [`json`] | everything, for machines | |
//! | [`csv`] | per-interval figures, users, incidents and the bill, for spreadsheets | |
//! | `charts` | SVG pictures | `charts` |
//! | [`atomic`] | one file, whole or not at all | |
//! | [`files`] | all of them into one folder per topology; `manifest` knows which files are geodes' own, [`slug`] makes names of folders | |

pub mod atomic;
pub mod csv;
pub mod files;
pub mod format;
pub mod json;
mod manifest;
pub mod markdown;
mod occurrences;
#[cfg(feature = "cli")]
pub mod policy_diff;
pub mod slug;
// Without a terminal only Markdown draws tables, and not all of them.
#[cfg_attr(not(feature = "cli"), allow(dead_code))]
mod tables;

#[cfg(feature = "cli")]
pub mod tale;
#[cfg(feature = "cli")]
pub mod text;

#[cfg(feature = "charts")]
pub mod charts;
