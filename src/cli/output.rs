//! Standard output and standard error: width, colour, and a closed pipe that is no error.

use super::exit::Exit;
use std::io::{self, IsTerminal, Write};

/// Width of tables when standard output is no terminal: what fits everywhere.
const PLAIN_WIDTH: usize = 80;

/// Columns to print in.
pub fn width() -> usize {
    if io::stdout().is_terminal() {
        terminal_size::terminal_size().map_or(PLAIN_WIDTH, |(w, _)| usize::from(w.0))
    } else {
        PLAIN_WIDTH
    }
}

/// Whether to colour standard output: a terminal, and `NO_COLOR` not set (no-color.org).
pub fn color_stdout() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

/// Whether to colour standard error.
pub fn color_stderr() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

/// Prints a result. A reader that has gone away (`geodes ... | head`) is no error.
pub fn print(text: &str) -> Result<(), Exit> {
    let mut out = anstream::stdout().lock();
    let done =
        out.write_all(text.as_bytes()).and_then(|()| if text.ends_with('\n') { Ok(()) } else { out.write_all(b"\n") });
    match done.and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(e) => {
            eprintln!("error: cannot write to standard output: {e}");
            Err(Exit::Error)
        }
    }
}

/// Turns a result into the code to end with.
pub fn code(result: Result<(), Exit>) -> Exit {
    result.err().unwrap_or(Exit::Ok)
}
