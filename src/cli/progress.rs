//! A progress line on a terminal, and Ctrl-C.

use crate::report::format;
use crate::study::replicate::Observer;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Set by Ctrl-C; runs stop at the next slice.
static STOP: AtomicBool = AtomicBool::new(false);

/// From now on Ctrl-C stops the study instead of killing the process; a second one kills it.
pub fn catch_interrupt() {
    let handler = || {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    };
    // a second registration (tests in one process) leaves the first in force
    let _ = ctrlc::set_handler(handler);
}

/// Shows how far a study is.
pub struct Progress {
    bar: ProgressBar,
    state: Mutex<State>,
    runs: f64,
}

#[derive(Default)]
struct State {
    /// Runs that have reached the end of their simulated time.
    done: u32,
    /// Shares of those that have not, by replication and topology: no more than there are threads.
    running: BTreeMap<(u32, usize), f64>,
}

impl Progress {
    /// A line for so many runs; hidden when `quiet` or when standard error is no terminal.
    pub fn new(topologies: usize, replications: u32, quiet: bool) -> Progress {
        let bar = ProgressBar::new(1000);
        bar.set_draw_target(if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(10) });
        let style = ProgressStyle::with_template("{line}").expect("the template is valid");
        // Drawn anew each time, so that the line follows a terminal that changes its width.
        bar.set_style(style.with_key("line", |state: &ProgressState, out: &mut dyn Write| {
            let share = f64::from(state.fraction());
            let left = (state.pos() > 0).then(|| state.eta().as_secs_f64());
            // The last column stays free: some terminals begin a new line as soon as it is used.
            let room = super::output::width_stderr().saturating_sub(1);
            let _ = out.write_str(&line(room, share, state.elapsed().as_secs_f64(), left));
        }));
        Progress { bar, state: Mutex::default(), runs: topologies as f64 * f64::from(replications) }
    }

    /// Removes the line.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Shortest bar worth drawing, in columns.
const SHORTEST_BAR: usize = 8;

/// Longest bar, in columns: more is not easier to read.
const LONGEST_BAR: usize = 60;

/// The progress line in so many columns: a bar, the percentage, the seconds that have passed and those that are left as
/// far as they are known. Where there is no room for everything, the bar gets shorter, then the parts that matter least
/// are left out.
fn line(columns: usize, share: f64, elapsed_s: f64, left_s: Option<f64>) -> String {
    let seconds = |s: f64| format::duration(Some(s.round()));
    let percent = format!("{:>3.0} %", (share.clamp(0.0, 1.0) * 100.0).floor());
    let elapsed = format!("{} elapsed", seconds(elapsed_s));
    let left = left_s.map(|s| format!("{} left", seconds(s)));
    let both = left.as_ref().map_or_else(|| elapsed.clone(), |left| format!("{elapsed}, {left}"));
    let short = left.unwrap_or(elapsed);
    // From everything to next to nothing: text before the bar, whether there is one, text after it.
    let forms = [
        ("simulating ", true, format!(" {percent}  {both}")),
        ("simulating ", true, format!(" {percent}  {short}")),
        ("", true, format!(" {percent}  {short}")),
        ("", true, format!(" {percent}")),
        ("", false, percent.trim_start().to_owned()),
    ];
    for (before, has_bar, after) in forms {
        let text = before.len() + after.chars().count();
        let bar = if has_bar { columns.saturating_sub(text).min(LONGEST_BAR) } else { 0 };
        if text + bar <= columns && (!has_bar || bar >= SHORTEST_BAR) {
            let full = (share.clamp(0.0, 1.0) * bar as f64).floor() as usize;
            return format!("{before}{}{}{after}", "█".repeat(full), "░".repeat(bar - full));
        }
    }
    String::new()
}

impl Observer for Progress {
    fn progress(&self, topology: usize, replication: u32, share: f64) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if share < 1.0 {
            state.running.insert((replication, topology), share);
        } else {
            state.running.remove(&(replication, topology));
            state.done += 1;
        }
        let done = f64::from(state.done) + state.running.values().sum::<f64>();
        self.bar.set_position((done / self.runs * 1000.0) as u64);
    }

    fn stop(&self) -> bool {
        STOP.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_never_exceeds_its_columns_and_says_as_much_as_fits() {
        for share in [0.0, 0.004, 0.5, 0.999, 1.0, 1.2] {
            for (elapsed, left) in [(0.2, None), (59.6, Some(3.0)), (86_399.0, Some(200_000.0))] {
                let mut before = 0;
                for columns in 0..200 {
                    let text = line(columns, share, elapsed, left);
                    let length = text.chars().count();
                    assert!(length <= columns, "{columns}: {text}");
                    // More room never shows fewer parts.
                    let parts = text.split_whitespace().count();
                    assert!(parts >= before, "{columns}: {text}");
                    before = parts;
                    assert!(columns < 5 || text.contains('%'), "{columns}: {text}");
                }
            }
        }
    }

    #[test]
    fn parts_go_in_order_of_what_they_are_worth() {
        let at = |columns| line(columns, 0.42, 75.0, Some(104.0));
        assert_eq!(at(200), format!("simulating {}{}  42 %  75 s elapsed, 104 s left", "█".repeat(25), "░".repeat(35)));
        assert_eq!(at(79).chars().count(), 79);
        assert_eq!(at(60), "simulating ███████░░░░░░░░░░  42 %  75 s elapsed, 104 s left");
        assert_eq!(at(39), "simulating ████░░░░░░  42 %  104 s left");
        assert_eq!(at(30), "█████░░░░░░░  42 %  104 s left");
        assert_eq!(at(16), "████░░░░░░  42 %");
        assert_eq!(at(10), "42 %");
        assert_eq!(at(3), "");
    }
}
