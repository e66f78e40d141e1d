//! `geodes schema`: the JSON Schema of scenario files.

use super::exit::Exit;
use super::output;

/// Runs the command.
pub fn run() -> Exit {
    let schema = serde_json::to_string_pretty(&crate::scenario::schema()).expect("a schema is plain JSON");
    output::code(output::print(&schema))
}
