//! One file per format. Every format reads the types of [`crate::study::result`] and nothing else, so text, Markdown,
//!
//! | file | what it writes | feature |
//! |---|---|---|
//! | [`text`] | tables for a terminal of any width | `cli` |
//! | [`markdown`] | the comparison and the incidents, for a README or a pull request | |
//! | [`json`] | everything, for machines | |
//! | [`csv`] | per-interval figures, users, incidents and the bill, for spreadsheets | |
//! | [`files`] | all of them into one folder per topology | |

pub mod csv;
pub mod files;
pub mod format;
pub mod json;
pub mod markdown;
mod tables;

#[cfg(feature = "cli")]
pub mod text;
