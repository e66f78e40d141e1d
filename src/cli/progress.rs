//! A progress bar on a terminal, and Ctrl-C.

use crate::study::replicate::Observer;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
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
    shares: Mutex<Vec<f64>>,
    topologies: usize,
}

impl Progress {
    /// A bar for so many runs; hidden when `quiet` or when standard error is no terminal.
    pub fn new(topologies: usize, replications: u32, quiet: bool) -> Progress {
        let bar = ProgressBar::new(1000);
        bar.set_draw_target(if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(10) });
        let style = ProgressStyle::with_template("simulating {wide_bar} {percent:>3} %  {elapsed} elapsed, {eta} left");
        bar.set_style(style.expect("the template is valid"));
        Progress { bar, shares: Mutex::new(vec![0.0; topologies * replications as usize]), topologies }
    }

    /// Removes the bar.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Observer for Progress {
    fn progress(&self, topology: usize, replication: u32, share: f64) {
        let mut shares = self.shares.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        shares[replication as usize * self.topologies + topology] = share;
        let mean = shares.iter().sum::<f64>() / shares.len() as f64;
        self.bar.set_position((mean * 1000.0) as u64);
    }

    fn stop(&self) -> bool {
        STOP.load(Ordering::Relaxed)
    }
}
