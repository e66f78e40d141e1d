//! Independent jobs on several threads, begun in order and folded in order.
//!
//! Every thread takes the next job from one counter. So the jobs that have begun are a prefix of the list, those that
//! are finished are one but for a few, and a study that is stopped has the first part of its list and not a random
//! sample of it. Results are folded by number, never in the order of completion: a fold over floating-point numbers
//! gives the same bits on any number of threads.
//!
//! A result whose predecessors are not all finished waits. How many can wait is bounded: no job is begun that lies
//! [`AHEAD`] times the number of threads or more after the oldest one that is not finished. Twice the number of threads
//! keeps them busy while jobs differ in length by less than a factor of two; once would make every thread wait for the
//! slowest.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::{panic, thread};

/// How far the youngest job that is begun may be ahead of the oldest that is not finished, in numbers of threads.
const AHEAD: usize = 2;

/// What a running job asks from time to time: whether to break off, given whether somebody wants it to.
pub type Brake<'a> = &'a dyn Fn(bool) -> bool;

/// Runs the jobs `0..jobs` on so many threads, the present one being among them, and hands their results to `fold` in the
/// order of their numbers, one at a time.
///
/// A job may break off and return `None`; then no further one is begun, and those that lie behind it are not folded.
/// While it runs it should ask its [`Brake`], which says no for as long as so many finished jobs wait for this one as
/// there are threads: to break it off would throw all of them away. So fewer finished jobs than threads are lost.
///
/// Returns how many jobs were folded: all, unless one broke off.
///
/// # Panics
/// When a job panics, with its panic, after the other threads have ended. Brakes of the other jobs say yes then.
pub fn run<T: Send>(
    jobs: usize,
    threads: usize,
    work: impl Fn(usize, Brake<'_>) -> Option<T> + Sync,
    fold: impl FnMut(usize, T) + Send,
) -> usize {
    let threads = threads.clamp(1, jobs.max(1));
    let desk = Desk {
        jobs,
        threads,
        state: Mutex::new(State { next: 0, folded: 0, closed: false, waiting: BTreeMap::new(), fold }),
        moved_on: Condvar::new(),
        abandoned: AtomicBool::new(false),
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(|| desk.serve(&work))).collect();
        desk.serve(&work);
        for other in others {
            if let Err(panic) = other.join() {
                panic::resume_unwind(panic);
            }
        }
    });
    desk.state.into_inner().unwrap_or_else(PoisonError::into_inner).folded
}

/// Where threads take jobs and hand in results.
struct Desk<T, F> {
    jobs: usize,
    threads: usize,
    state: Mutex<State<T, F>>,
    /// A job was folded, or no further one will be handed out.
    moved_on: Condvar,
    /// A job has panicked: all that is under way is in vain.
    abandoned: AtomicBool,
}

struct State<T, F> {
    /// The next job to be handed out.
    next: usize,
    /// All jobs below this one are folded.
    folded: usize,
    /// No further job is handed out.
    closed: bool,
    /// Finished jobs that wait for an older one.
    waiting: BTreeMap<usize, T>,
    fold: F,
}

impl<T: Send, F: FnMut(usize, T) + Send> Desk<T, F> {
    /// Takes jobs until there are none.
    fn serve(&self, work: &impl Fn(usize, Brake<'_>) -> Option<T>) {
        let guard = Abandon(self);
        while let Some(job) = self.take() {
            let result = work(job, &|asked| self.breaks_off(job, asked));
            self.hand_in(job, result);
        }
        std::mem::forget(guard);
    }

    fn lock(&self) -> MutexGuard<'_, State<T, F>> {
        // a poisoned desk belongs to a thread that panics, which closes it
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<usize> {
        let mut s = self.lock();
        while !s.closed && s.next < self.jobs && s.next >= s.folded + AHEAD * self.threads {
            s = self.moved_on.wait(s).unwrap_or_else(PoisonError::into_inner);
        }
        if s.closed || s.next == self.jobs {
            return None;
        }
        s.next += 1;
        Some(s.next - 1)
    }

    fn hand_in(&self, job: usize, result: Option<T>) {
        let mut guard = self.lock();
        let s = &mut *guard;
        match result {
            None => s.closed = true,
            Some(result) => {
                s.waiting.insert(job, result);
                while let Some(result) = s.waiting.remove(&s.folded) {
                    (s.fold)(s.folded, result);
                    s.folded += 1;
                }
            }
        }
        self.moved_on.notify_all();
    }

    fn breaks_off(&self, job: usize, asked: bool) -> bool {
        self.abandoned.load(Ordering::Relaxed) || (asked && self.lock().waiting.range(job + 1..).count() < self.threads)
    }
}

/// Dropped by a thread that panics, and by no other.
struct Abandon<'a, T: Send, F: FnMut(usize, T) + Send>(&'a Desk<T, F>);

impl<T: Send, F: FnMut(usize, T) + Send> Drop for Abandon<'_, T, F> {
    fn drop(&mut self) {
        self.0.abandoned.store(true, Ordering::Relaxed);
        self.0.lock().closed = true;
        self.0.moved_on.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use std::time::Duration;

    /// Waits for something that other threads do; a test that never ends says less than one that fails.
    fn until(what: &str, done: impl Fn() -> bool) {
        for _ in 0..20_000 {
            if done() {
                return;
            }
            thread::sleep(Duration::from_micros(500));
        }
        panic!("{what} never happened");
    }

    #[test]
    fn results_are_folded_by_number_on_any_number_of_threads() {
        for threads in [1, 2, 3, 8, 100] {
            let mut folded = Vec::new();
            let work = |job: usize, _: Brake<'_>| {
                // of each four, the first takes longest
                thread::sleep(Duration::from_micros(300 * (3 - job as u64 % 4)));
                Some(job * job)
            };
            let n = run(40, threads, work, |job, square| folded.push((job, square)));
            assert_eq!(n, 40);
            assert_eq!(folded, (0..40).map(|j| (j, j * j)).collect::<Vec<_>>(), "{threads} threads");
        }
        assert_eq!(run(0, 4, |_, _| Some(()), |_, ()| unreachable!()), 0);
    }

    #[test]
    fn jobs_are_handed_out_in_order_and_not_too_far_ahead_of_the_oldest() {
        const THREADS: usize = 3;
        let (begun, finished) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = |job: usize, _: Brake<'_>| {
            begun.fetch_max(job + 1, Ordering::SeqCst);
            if job == 0 {
                until("the window was used up", || finished.load(Ordering::SeqCst) == AHEAD * THREADS - 1);
                // nobody takes another one, however long this takes
                thread::sleep(Duration::from_millis(30));
                assert_eq!(begun.load(Ordering::SeqCst), AHEAD * THREADS);
            }
            finished.fetch_add(1, Ordering::SeqCst);
            Some(())
        };
        assert_eq!(run(20, THREADS, work, |_, ()| {}), 20);
    }

    #[test]
    fn a_job_that_enough_finished_ones_wait_for_is_not_broken_off() {
        // with two threads, two finished jobs are too many to lose, one is not
        for (finished_behind, breaks) in [(2, false), (1, true)] {
            let finished = AtomicUsize::new(0);
            let mut folded = 0;
            let work = |job: usize, brake: Brake<'_>| {
                if job == 0 {
                    until("the others were finished", || finished.load(Ordering::SeqCst) > finished_behind);
                    return (!brake(true)).then_some(());
                }
                if job > finished_behind {
                    // the other thread is here, so all before it are handed in
                    finished.fetch_add(1, Ordering::SeqCst);
                    until("the stop was asked for", || brake(true));
                    return None;
                }
                finished.fetch_add(1, Ordering::SeqCst);
                Some(())
            };
            let n = run(20, 2, work, |_, ()| folded += 1);
            assert_eq!(n, if breaks { 0 } else { 1 + finished_behind }, "{finished_behind} waiting");
            assert_eq!(n, folded);
        }
    }

    #[test]
    fn a_job_that_breaks_off_ends_the_list_there() {
        for threads in [1, 2, 5] {
            let work = |job: usize, _: Brake<'_>| (job != 7).then_some(job);
            let mut folded = Vec::new();
            assert_eq!(run(1_000, threads, work, |_, job| folded.push(job)), 7);
            assert_eq!(folded, [0, 1, 2, 3, 4, 5, 6]);
        }
    }

    #[test]
    fn a_panic_ends_everything_and_is_passed_on() {
        let ended = AtomicUsize::new(0);
        let outcome = panic::catch_unwind(panic::AssertUnwindSafe(|| {
            let work = |job: usize, brake: Brake<'_>| {
                if job == 0 {
                    until("the others had nothing left to begin", || ended.load(Ordering::SeqCst) == 2);
                    panic!("job 0 is broken");
                }
                ended.fetch_add(1, Ordering::SeqCst);
                if job == 2 {
                    until("the panic was noticed", || brake(false));
                    return None;
                }
                Some(())
            };
            run(1_000, 2, work, |_, ()| unreachable!("job 0 is never finished"))
        }));
        let payload = outcome.unwrap_err();
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"job 0 is broken"));
    }
}
