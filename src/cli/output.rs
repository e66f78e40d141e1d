//! Standard output and standard error: width, colour, and a closed pipe that is no error.

use super::exit::Exit;
use std::io::{self, IsTerminal, Write};

/// Width of tables when nothing else is known: what fits everywhere.
const PLAIN_WIDTH: usize = 80;

/// For `--help`.
pub const ENVIRONMENT: &str = "\
Environment:
  COLUMNS   width of tables when standard output is no terminal (default 80)
  NO_COLOR  no colours, if set and not empty";

/// Columns to print in: those of the terminal, else `COLUMNS`, else 80.
pub fn width() -> usize {
    if io::stdout().is_terminal() {
        terminal_size::terminal_size_of(io::stdout()).map_or(PLAIN_WIDTH, |(w, _)| usize::from(w.0))
    } else {
        plain_width(std::env::var("COLUMNS").ok().as_deref())
    }
}

/// Columns of the terminal that standard error goes to.
pub fn width_stderr() -> usize {
    terminal_size::terminal_size_of(io::stderr()).map_or(PLAIN_WIDTH, |(w, _)| usize::from(w.0))
}

/// What `COLUMNS` asks for; what is no number of columns counts as not set.
fn plain_width(columns: Option<&str>) -> usize {
    columns.and_then(|c| c.trim().parse::<u16>().ok()).filter(|c| *c > 0).map_or(PLAIN_WIDTH, usize::from)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_are_no_number_are_not_set() {
        assert_eq!(plain_width(Some("132")), 132);
        assert_eq!(plain_width(Some(" 40 ")), 40);
        for nothing in [None, Some(""), Some("0"), Some("-3"), Some("wide"), Some("99999999")] {
            assert_eq!(plain_width(nothing), PLAIN_WIDTH, "{nothing:?}");
        }
    }
}
