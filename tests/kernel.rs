//! The engine's ordering guarantees, checked against a sorted reference list that carries explicit sequence numbers.

use geodes::kernel::queue::{Adaptive, Binary, PendingSet, Radix};
use geodes::kernel::trace::{Fingerprint, first_divergence};
use geodes::kernel::{Class, Context, Engine, EventNo, Key, MAX_TIME, RunEnd, Slab, World, slab};
use geodes::units::{Span, Time};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// One step of a random workload on a pending-event set. Distances are relative to the key popped last, so that every
/// sequence respects monotony.
#[derive(Clone, Debug)]
enum Op {
    /// So many keys, all at this distance.
    Push { distance: u64, copies: u8 },
    /// So many pops.
    Pop(u8),
    /// One pop that may not exceed this distance.
    PopAtMost(u64),
}

/// Distances that make ties, neighbours and far keys all likely.
fn distance() -> impl Strategy<Value = u64> {
    prop_oneof![3 => 0u64..4, 3 => 0u64..64, 2 => 0u64..5_000, 2 => (0u32..55).prop_map(|b| 1u64 << b), 1 => 0u64..1 << 50]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (distance(), 1u8..3).prop_map(|(distance, copies)| Op::Push { distance, copies }),
        1 => (distance(), 1u8..200).prop_map(|(distance, copies)| Op::Push { distance, copies }),
        5 => (1u8..4).prop_map(Op::Pop),
        1 => (1u8..200).prop_map(Op::Pop),
        1 => distance().prop_map(Op::PopAtMost),
    ]
}

/// A sorted map from (key, sequence number): the definition of the order.
#[derive(Default)]
struct Reference {
    pending: BTreeMap<(u64, u64), u64>,
    seq: u64,
}

impl PendingSet<u64> for Reference {
    fn push(&mut self, key: u64, item: u64) {
        self.pending.insert((key, self.seq), item);
        self.seq += 1;
    }
    fn pop_at_most(&mut self, limit: u64) -> Option<(u64, u64)> {
        let first = self.pending.first_entry().filter(|e| e.key().0 <= limit)?;
        let key = first.key().0;
        Some((key, first.remove()))
    }
    fn len(&self) -> usize {
        self.pending.len()
    }
}

/// Plays the workload on a set and on the reference, and empties both at the end.
fn agrees(mut set: impl PendingSet<u64>, start: u64, ops: &[Op]) -> Result<(), TestCaseError> {
    let mut reference = Reference::default();
    let (mut now, mut next_item) = (start, 0u64);
    let pop = |set: &mut dyn FnMut(u64) -> Option<(u64, u64)>, reference: &mut Reference, limit, now: &mut u64| {
        let (got, expected) = (set(limit), reference.pop_at_most(limit));
        prop_assert_eq!(got, expected);
        if let Some((key, _)) = got {
            prop_assert!(key >= *now, "keys never fall");
            *now = key;
        }
        Ok(got.is_some())
    };
    for op in ops {
        match *op {
            Op::Push { distance, copies } => {
                for _ in 0..copies {
                    set.push(now + distance, next_item);
                    reference.push(now + distance, next_item);
                    next_item += 1;
                }
            }
            Op::Pop(n) => {
                for _ in 0..n {
                    pop(&mut |l| set.pop_at_most(l), &mut reference, u64::MAX, &mut now)?;
                }
            }
            Op::PopAtMost(distance) => {
                pop(&mut |l| set.pop_at_most(l), &mut reference, now + distance, &mut now)?;
            }
        }
        prop_assert_eq!(set.len(), reference.len());
    }
    while pop(&mut |l| set.pop_at_most(l), &mut reference, u64::MAX, &mut now)? {}
    prop_assert!(set.is_empty());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_engines_set_keeps_the_order(start in distance(), ops in prop::collection::vec(op(), 1..300)) {
        agrees(Adaptive::new(), start, &ops)?;
    }

    #[test]
    fn the_radix_heap_keeps_the_order(start in distance(), ops in prop::collection::vec(op(), 1..300)) {
        agrees(Radix::default(), start, &ops)?;
    }

    #[test]
    fn the_binary_heap_keeps_the_order(start in distance(), ops in prop::collection::vec(op(), 1..100)) {
        agrees(Binary::default(), start, &ops)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    #[ignore = "long: random workloads of thousands of steps"]
    fn the_engines_set_keeps_the_order_over_long_workloads(start in distance(), ops in prop::collection::vec(op(), 2_000..6_000)) {
        agrees(Adaptive::new(), start, &ops)?;
        agrees(Radix::default(), start, &ops)?;
    }
}

/// Pseudo-random distances for the long deterministic workloads below.
fn scramble(x: u64) -> u64 {
    geodes::random::mix::moremur(x.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

#[test]
#[ignore = "long: a million pending with many ties, every pop compared"]
fn a_million_pending_keep_the_order() {
    let (mut set, mut reference) = (Adaptive::new(), Reference::default());
    for i in 0..1_000_000u64 {
        let key = scramble(i) % 300_000;
        set.push(key, i);
        reference.push(key, i);
    }
    for i in 0..3_000_000u64 {
        let got = set.pop();
        assert_eq!(got, reference.pop());
        let (now, _) = got.unwrap();
        let key = now + scramble(i ^ 0xabcd) % 300_000;
        set.push(key, i);
        reference.push(key, i);
    }
    while let Some(got) = set.pop() {
        assert_eq!(Some(got), reference.pop());
    }
    assert!(reference.is_empty());
}

/// A world that writes down what happens and lets each event schedule what its script says.
#[derive(Default)]
struct Recorder {
    seen: Vec<(u64, u8, u32)>,
    script: BTreeMap<u32, Vec<(u64, u8, u32)>>,
    stop_at: Option<u32>,
}

impl World for Recorder {
    type Event = u32;
    fn handle(&mut self, event: u32, cx: &mut Context<u32>) {
        self.seen.push((cx.now().nanos(), cx.class().rank(), event));
        for (after, class, event) in self.script.get(&event).cloned().unwrap_or_default() {
            cx.schedule_in(Span(after), Class::new(class), event);
        }
        if self.stop_at == Some(event) {
            cx.stop();
        }
    }
}

/// An event, and what it schedules: after how long, in which class, which event.
type Line<'a> = (u32, &'a [(u64, u8, u32)]);

fn recorder(script: &[Line<'_>]) -> Engine<Recorder> {
    let script = script.iter().map(|(e, s)| (*e, s.to_vec())).collect();
    Engine::new(Recorder { script, ..Recorder::default() })
}

#[test]
fn time_comes_before_class_and_class_before_order_of_scheduling() {
    let mut e = recorder(&[]);
    for (at, class, event) in [(5, 2, 1), (5, 1, 2), (4, 9, 3), (5, 1, 4), (5, 0, 5), (4, 9, 6)] {
        e.schedule(Time(at), Class::new(class), event);
    }
    assert_eq!(e.pending(), 6);
    assert_eq!(e.run_to_end(), RunEnd::Exhausted);
    assert_eq!(e.events_handled(), 6);
    assert_eq!(e.into_world().seen, [(4, 9, 3), (4, 9, 6), (5, 0, 5), (5, 1, 2), (5, 1, 4), (5, 2, 1)]);
}

#[test]
fn what_is_scheduled_at_the_present_instant_follows_its_equals() {
    let mut e = recorder(&[(1, &[(0, 3, 10), (0, 4, 11), (0, 3, 12)])]);
    e.schedule(Time(7), Class::new(3), 1);
    e.schedule(Time(7), Class::new(3), 2);
    e.run_to_end();
    let order: Vec<u32> = e.world().seen.iter().map(|s| s.2).collect();
    assert_eq!(order, [1, 2, 10, 12, 11]);
}

#[test]
fn a_hundred_thousand_simultaneous_events_leave_in_the_order_of_scheduling() {
    let mut e = recorder(&[]);
    for i in 0..100_000 {
        e.schedule(Time(1_000), Class::new(1), i);
    }
    e.run_to_end();
    assert!(e.world().seen.iter().map(|s| s.2).eq(0..100_000));
}

#[test]
fn runs_go_on_where_the_horizon_cut_them() {
    let mut e = recorder(&[(1, &[(10, 0, 2)]), (2, &[(10, 0, 3)])]);
    e.schedule(Time(10), Class::FIRST, 1);
    assert_eq!(e.run_until(Time(5)), RunEnd::Horizon);
    assert_eq!((e.now(), e.events_handled()), (Time(5), 0));
    e.schedule(Time(5), Class::FIRST, 9);
    assert_eq!(e.run_until(Time(20)), RunEnd::Horizon, "the horizon itself is included");
    assert_eq!(e.world().seen.len(), 3);
    assert_eq!(e.run_until(Time::NEVER), RunEnd::Exhausted);
    assert_eq!(e.now(), Time(30), "a run that ends early leaves the clock at its last event");
}

#[test]
fn a_handler_can_stop_the_run_and_a_later_call_goes_on() {
    let mut e = recorder(&[]);
    e.world_mut().stop_at = Some(2);
    for i in 1..=3 {
        e.schedule(Time(i as u64), Class::FIRST, i);
    }
    assert_eq!(e.run_to_end(), RunEnd::Stopped);
    assert_eq!((e.world().seen.len(), e.pending()), (2, 1));
    assert_eq!(e.run_to_end(), RunEnd::Exhausted);
}

#[test]
#[should_panic(expected = "in the past, at t=0.000000006 s")]
fn scheduling_in_the_past_panics() {
    let mut e = recorder(&[]);
    e.schedule(Time(7), Class::FIRST, 1);
    e.run_to_end();
    e.schedule(Time(6), Class::LAST, 2);
}

#[test]
#[should_panic(expected = "give it a class of at least 3")]
fn scheduling_a_lower_class_at_the_present_instant_panics() {
    let mut e = recorder(&[(1, &[(0, 2, 2)])]);
    e.schedule(Time(7), Class::new(3), 1);
    e.run_to_end();
}

#[test]
#[should_panic(expected = "an event that never happens must not be scheduled")]
fn scheduling_at_never_panics() {
    recorder(&[]).schedule(Time::NEVER, Class::FIRST, 1);
}

#[test]
fn the_last_instant_can_be_used() {
    let mut e = recorder(&[]);
    e.schedule(MAX_TIME, Class::LAST, 1);
    assert_eq!(e.run_to_end(), RunEnd::Exhausted);
    assert_eq!(e.world().seen, [(MAX_TIME.nanos(), 15, 1)]);
}

#[test]
fn what_takes_too_long_happens_at_the_last_instant() {
    let mut e = recorder(&[]);
    e.with(|_, cx| {
        cx.schedule_in(Span::MAX, Class::FIRST, 1);
        cx.schedule_in(Span(7), Class::FIRST, 2);
    });
    e.run_to_end();
    assert_eq!(e.world().seen, [(7, 0, 2), (MAX_TIME.nanos(), 0, 1)]);
}

/// Cancellation by a stale key: a timer of each task, and tasks that end before it.
#[derive(Default)]
struct Tasks {
    alive: Slab<&'static str>,
    timed_out: Vec<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Task {
    End(slab::Key<&'static str>),
    Timeout(slab::Key<&'static str>),
}

impl World for Tasks {
    type Event = Task;
    fn handle(&mut self, event: Task, _: &mut Context<Task>) {
        match event {
            Task::End(k) => drop(self.alive.remove(k)),
            Task::Timeout(k) => self.timed_out.extend(self.alive.remove(k)),
        }
    }
}

#[test]
fn an_event_with_a_stale_key_is_ignored_even_when_the_slot_is_in_use_again() {
    let mut e = Engine::new(Tasks::default());
    e.with(|w, cx| {
        let quick = w.alive.insert("quick");
        cx.schedule(Time(1), Class::FIRST, Task::End(quick));
        cx.schedule(Time(10), Class::FIRST, Task::Timeout(quick));
    });
    e.run_until(Time(5));
    e.with(|w, cx| {
        let slow = w.alive.insert("slow");
        cx.schedule(Time(12), Class::FIRST, Task::Timeout(slow));
    });
    e.run_until(Time(11));
    assert!(e.world().timed_out.is_empty(), "the timer of the first task must not hit the second one in its slot");
    e.run_to_end();
    assert_eq!(e.world().timed_out, ["slow"]);
}

/// A chain of events; in one run of two it is bent at a given step, as a component with hidden state would.
struct Chain {
    state: u64,
    bend_at: Option<u64>,
    hidden: bool,
}

impl World for Chain {
    type Event = u64;
    fn handle(&mut self, n: u64, cx: &mut Context<u64>) {
        let bend = self.bend_at == Some(n);
        self.state = scramble(self.state ^ n ^ u64::from(bend));
        // A hidden difference shows in the state at once, but in no event before five steps later.
        let visible = if self.hidden { self.bend_at.is_some_and(|b| n >= b + 5) } else { bend };
        cx.schedule_in(Span(100 + u64::from(visible)), Class::FIRST, n + 1);
    }
}

fn chain(bend_at: Option<u64>, hidden: bool) -> Engine<Chain> {
    let mut e = Engine::new(Chain { state: 1, bend_at, hidden });
    e.schedule(Time(0), Class::FIRST, 1);
    e
}

#[test]
fn the_first_event_that_differs_is_named() {
    let horizon = Time(100_000);
    let equal = first_divergence(&mut chain(None, false), &mut chain(None, false), horizon, |w| w.state);
    assert_eq!(equal, Ok(1001));

    let found = first_divergence(&mut chain(None, false), &mut chain(Some(500), false), horizon, |_| 0).unwrap_err();
    assert_eq!(found.no, 501, "event 500 is the same, what it schedules is not");
    let (first, second) = (found.first.clone().unwrap(), found.second.clone().unwrap());
    assert_eq!((first.at, second.at), (Time(50_000), Time(50_001)));
    assert!(found.to_string().contains("event no. 501"), "{found}");

    let by_state = first_divergence(&mut chain(None, true), &mut chain(Some(500), true), horizon, |w| w.state);
    assert_eq!(by_state.unwrap_err().no, 500, "the state digest sees it at once");
    let by_event = first_divergence(&mut chain(None, true), &mut chain(Some(500), true), horizon, |_| 0);
    assert_eq!(by_event.unwrap_err().no, 506);
}

#[test]
fn a_run_that_ends_early_differs_where_it_ends() {
    let mut short = chain(None, false);
    assert_eq!(short.run_until(Time(100)), RunEnd::Horizon);
    let (mut a, mut b) = (recorder(&[(1, &[(1, 0, 2)])]), recorder(&[]));
    a.schedule(Time(1), Class::FIRST, 1);
    b.schedule(Time(1), Class::FIRST, 1);
    let found = first_divergence(&mut a, &mut b, Time::NEVER, |_| 0).unwrap_err();
    assert_eq!((found.no, found.second.is_none()), (2, true));
}

#[test]
fn fingerprints_narrow_the_difference_down() {
    let print = |bend_at| {
        let mut print = Fingerprint::new(6);
        let mut numbers = Vec::new();
        chain(bend_at, false).run_traced(Time(100_000), &mut |no: EventNo, at, class, event: &u64| {
            numbers.push(no);
            print.absorb(at, class, *event);
        });
        assert!(numbers.iter().copied().eq(1..=print.events()));
        print
    };
    let (a, b, c) = (print(None), print(None), print(Some(500)));
    assert_eq!(a, b);
    assert_eq!(a.first_difference(&b), None);
    assert_ne!(a.hash(), c.hash());
    let range = a.first_difference(&c).unwrap();
    assert!(range.contains(&501) && range.end - range.start == 64, "{range:?}");
}

#[test]
fn stepping_reports_what_it_handled() {
    let mut e = chain(None, false);
    assert_eq!(e.step(Time(1_000)), Some((1, Key::new(Time(0), Class::FIRST), 1)));
    assert_eq!(e.step(Time(50)), None);
    assert_eq!(e.step(Time(100)), Some((2, Key::new(Time(100), Class::FIRST), 2)));
}

/// A world that schedules at random, numbers what it schedules, and writes down in which order the numbers come back.
struct Wild {
    seed: u64,
    scheduled: Vec<(u64, u8, u64)>,
    handled: Vec<u64>,
    budget: u64,
}

impl World for Wild {
    type Event = u64;
    fn handle(&mut self, no: u64, cx: &mut Context<u64>) {
        self.handled.push(no);
        let dice = scramble(self.seed ^ no);
        for child in 0..dice % 4 {
            if self.scheduled.len() as u64 >= self.budget {
                return;
            }
            let dice = scramble(dice ^ child);
            let after = [0, 0, dice % 3, dice % 1000, dice % 10_000_000][(dice >> 32) as usize % 5];
            // At the present instant no class below the present one is allowed.
            let lowest = if after == 0 { cx.class().rank() } else { 0 };
            let class = lowest + ((dice >> 40) % (16 - lowest as u64)) as u8;
            cx.schedule_in(Span(after), Class::new(class), self.scheduled.len() as u64);
            self.scheduled.push((cx.now().nanos() + after, class, self.scheduled.len() as u64));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_engine_handles_by_time_class_and_order_of_scheduling(seed in any::<u64>(), first in 1u64..200) {
        let mut e = Engine::new(Wild { seed, scheduled: Vec::new(), handled: Vec::new(), budget: 20_000 });
        e.with(|w, cx| {
            for no in 0..first {
                let (at, class) = (scramble(no ^ seed) % 100, (no % 16) as u8);
                w.scheduled.push((at, class, no));
                cx.schedule(Time(at), Class::new(class), no);
            }
        });
        prop_assert_eq!(e.run_to_end(), RunEnd::Exhausted);
        let mut w = e.into_world();
        w.scheduled.sort_unstable();
        prop_assert!(w.scheduled.iter().map(|s| s.2).eq(w.handled.iter().copied()));
    }
}
