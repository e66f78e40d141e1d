//! A progress bar on a terminal, and Ctrl-C.

use crate::study::replicate::Observer;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::BTreeMap;
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
    /// A bar for so many runs; hidden when `quiet` or when standard error is no terminal.
    pub fn new(topologies: usize, replications: u32, quiet: bool) -> Progress {
        let bar = ProgressBar::new(1000);
        bar.set_draw_target(if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(10) });
        let style = ProgressStyle::with_template("simulating {wide_bar} {percent:>3} %  {elapsed} elapsed, {eta} left");
        bar.set_style(style.expect("the template is valid"));
        Progress { bar, state: Mutex::default(), runs: topologies as f64 * f64::from(replications) }
    }

    /// Removes the bar.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
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
