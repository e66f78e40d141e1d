//! The run loop: clock, scheduling rules, and the contract between the engine and a world.

use super::order::{Class, EventNo, Key, MAX_TIME};
use super::queue::{Adaptive, PendingSet};
use crate::units::{Span, Time};

/// What is simulated: it owns all state and says what each event does.
pub trait World {
    /// A small `Copy` value (aim at 24 bytes or less) that says what happens; state lives in the world.
    type Event: Copy;

    /// Makes `event` happen. The clock already stands at the event's time; follow-up events go to `cx`.
    fn handle(&mut self, event: Self::Event, cx: &mut Context<Self::Event>);
}

/// The clock and the pending events, as a handler sees them.
pub struct Context<E: Copy> {
    /// Key of the event being handled; outside of handlers, the earliest key that may still be scheduled.
    current: Key,
    handled: EventNo,
    stopped: bool,
    pending: Adaptive<E>,
}

impl<E: Copy> Context<E> {
    fn new() -> Context<E> {
        Context { current: Key::first_of(Time::ZERO), handled: 0, stopped: false, pending: Adaptive::new() }
    }

    /// The present instant.
    #[inline]
    pub fn now(&self) -> Time {
        self.current.time()
    }

    /// The class of the event being handled.
    #[inline]
    pub fn class(&self) -> Class {
        self.current.class()
    }

    /// Number of events handled so far, the present one included: the present event's number.
    #[inline]
    pub fn events_handled(&self) -> EventNo {
        self.handled
    }

    /// Number of events that are waiting.
    #[inline]
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Makes `event` happen at `at`. Among events of the same time and class, what is scheduled first happens first.
    ///
    /// # Panics
    /// If `at` is in the past, if it is `now` and `class` is lower than the class being handled (that event should have
    /// happened already), or if it is later than [`MAX_TIME`] (an event that never happens is not scheduled).
    #[inline]
    pub fn schedule(&mut self, at: Time, class: Class, event: E) {
        // The packing is meaningless for a time beyond the limit, so both checks come before the push.
        let key = Key::from_bits(at.0 << 4 | class.rank() as u64);
        if at > MAX_TIME || key < self.current {
            self.refuse(at, class);
        }
        self.pending.push(key.bits(), event);
    }

    /// Makes `event` happen `after` from now, see [`Context::schedule`], or at [`MAX_TIME`] if that comes first: an absurd
    /// duration out of a user's file is a late event, and only an instant that somebody has worked out wrongly is a bug.
    #[inline]
    pub fn schedule_in(&mut self, after: Span, class: Class, event: E) {
        self.schedule(self.now().saturating_add(after).min(MAX_TIME), class, event);
    }

    /// Ends the run after the present event; the remaining events stay pending.
    #[inline]
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    #[cold]
    #[inline(never)]
    fn refuse(&self, at: Time, class: Class) -> ! {
        let (now, current, no) = (self.now(), self.class(), self.handled);
        if at > MAX_TIME {
            panic!(
                "event no. {no} ({now:?}, {current:?}) schedules an event of {class:?} at {} ns, beyond the last \
                 instant of {} ns; an event that never happens must not be scheduled",
                at.0, MAX_TIME.0
            );
        }
        if at < now {
            panic!("event no. {no} ({now:?}, {current:?}) schedules an event of {class:?} in the past, at {at:?}");
        }
        panic!(
            "event no. {no} ({now:?}, {current:?}) schedules an event of {class:?} at the same instant: it should have \
             happened already; give it a class of at least {} or a later time",
            current.rank()
        );
    }
}

/// Why a run came back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RunEnd {
    /// Nothing is pending any more.
    Exhausted,
    /// What is still pending lies beyond the horizon.
    Horizon,
    /// A handler called [`Context::stop`].
    Stopped,
}

/// A world, its clock and its pending events.
pub struct Engine<W: World> {
    world: W,
    cx: Context<W::Event>,
}

impl<W: World> Engine<W> {
    /// An engine at time zero with nothing pending.
    pub fn new(world: W) -> Engine<W> {
        Engine { world, cx: Context::new() }
    }

    /// Schedules from outside, for the first events of a run; see [`Context::schedule`].
    pub fn schedule(&mut self, at: Time, class: Class, event: W::Event) {
        self.cx.schedule(at, class, event);
    }

    /// Lets the world schedule its first events itself, or act between two runs.
    pub fn with<R>(&mut self, act: impl FnOnce(&mut W, &mut Context<W::Event>) -> R) -> R {
        act(&mut self.world, &mut self.cx)
    }

    /// Handles every event up to and including `horizon`, then moves the clock there (unless stopped or exhausted before:
    /// then the clock stays at the last event). Events beyond stay pending and a later call goes on with them.
    pub fn run_until(&mut self, horizon: Time) -> RunEnd {
        self.run(horizon, &mut |_, _, _, _| ())
    }

    /// Handles events until none is left or a handler stops the run.
    pub fn run_to_end(&mut self) -> RunEnd {
        self.run(MAX_TIME, &mut |_, _, _, _| ())
    }

    /// Like [`Engine::run_until`], and shows each event to `observer` just before it is handled.
    pub fn run_traced<F>(&mut self, horizon: Time, observer: &mut F) -> RunEnd
    where
        F: FnMut(EventNo, Time, Class, &W::Event),
    {
        self.run(horizon, observer)
    }

    /// Handles the next event if it is not later than `horizon`, and says which it was.
    pub fn step(&mut self, horizon: Time) -> Option<(EventNo, Key, W::Event)> {
        let (key, event) = self.cx.pending.pop_at_most(Key::last_of(horizon).bits())?;
        self.cx.stopped = false;
        self.advance(key, event, &mut |_, _, _, _| ());
        Some((self.cx.handled, Key::from_bits(key), event))
    }

    /// Whether a handler stopped the run in the last event.
    pub fn is_stopped(&self) -> bool {
        self.cx.stopped
    }

    #[inline]
    fn run<F>(&mut self, horizon: Time, observer: &mut F) -> RunEnd
    where
        F: FnMut(EventNo, Time, Class, &W::Event),
    {
        let limit = Key::last_of(horizon).bits();
        self.cx.stopped = false;
        while let Some((key, event)) = self.cx.pending.pop_at_most(limit) {
            self.advance(key, event, observer);
            if self.cx.stopped {
                return RunEnd::Stopped;
            }
        }
        if self.cx.pending.is_empty() {
            return RunEnd::Exhausted;
        }
        self.cx.current = self.cx.current.max(Key::first_of(horizon));
        RunEnd::Horizon
    }

    #[inline(always)]
    fn advance<F>(&mut self, key: u64, event: W::Event, observer: &mut F)
    where
        F: FnMut(EventNo, Time, Class, &W::Event),
    {
        let key = Key::from_bits(key);
        // Always on: a pending-event set that loses order would falsify every result silently.
        assert!(key >= self.cx.current, "INV-2 broken: the clock would go back from {:?} to {key:?}", self.cx.current);
        self.cx.current = key;
        self.cx.handled += 1;
        observer(self.cx.handled, key.time(), key.class(), &event);
        self.world.handle(event, &mut self.cx);
    }

    /// The present instant.
    pub fn now(&self) -> Time {
        self.cx.now()
    }

    /// Number of events that are waiting.
    pub fn pending(&self) -> usize {
        self.cx.pending()
    }

    /// Number of events handled so far.
    pub fn events_handled(&self) -> EventNo {
        self.cx.events_handled()
    }

    /// The world.
    pub fn world(&self) -> &W {
        &self.world
    }

    /// The world, for changes between runs.
    pub fn world_mut(&mut self) -> &mut W {
        &mut self.world
    }

    /// The world; the engine and what is pending are dropped.
    pub fn into_world(self) -> W {
        self.world
    }
}
