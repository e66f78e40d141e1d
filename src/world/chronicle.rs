//! Collects the stories of chosen turns while a run goes on. A run that follows nobody pays one comparison per step of a
//! turn, and what is collected changes nothing: no draw, no event and no decision depends on it.

use super::event::SessionKey;
use super::purpose::SAMPLED;
use super::race::Stray;
use super::session::Session;
use super::story::{Ending, Listener, Story, What};
use crate::kernel::slab::Key;
use crate::random::Draws;
use crate::units::Time;
use std::collections::{BTreeMap, BTreeSet};

/// Which turns a run follows. Turns of the warm-up are never followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Follow {
    /// None.
    Nobody,
    /// The turn with this number, in the order in which they are sent, from 1.
    Number(u64),
    /// Every turn.
    Everybody,
    /// So many turns, drawn at random: those with the smallest of the numbers that are drawn at the turns' own addresses.
    /// Every set of turns is as likely as any other, and the same turns are drawn in every topology that has them.
    Sample(usize),
}

/// The stories of a run.
pub(super) struct Chronicle(Option<Box<Pages>>);

struct Pages {
    follow: Follow,
    draws: Draws,
    /// Turns that count so far.
    numbered: u64,
    /// Stories of turns under way.
    open: BTreeMap<SessionKey, Story>,
    /// Numbers of the turns whose calls were given up on their way.
    strays: BTreeMap<Key<Stray>, u64>,
    /// By number: stories of turns that are over, with calls on their way that were given up.
    late: BTreeMap<u64, Story>,
    done: Vec<Story>,
    /// What a sample holds: (bits of what was drawn, number of the turn).
    sample: BTreeSet<(u64, u64)>,
}

impl Chronicle {
    /// Empty.
    pub fn new(follow: Follow, draws: Draws) -> Chronicle {
        let pages = || Pages {
            follow,
            draws,
            numbered: 0,
            open: BTreeMap::new(),
            strays: BTreeMap::new(),
            late: BTreeMap::new(),
            done: Vec::new(),
            sample: BTreeSet::new(),
        };
        Chronicle((follow != Follow::Nobody).then(|| Box::new(pages())))
    }

    /// A turn that counts is sent.
    #[inline]
    pub fn begins(&mut self, key: SessionKey, session: &Session) {
        if let Some(pages) = &mut self.0 {
            pages.begins(key, session);
        }
    }

    /// Something happens to a turn.
    #[inline]
    pub fn note(&mut self, session: SessionKey, at: Time, what: impl FnOnce() -> What) {
        if let Some(pages) = &mut self.0
            && let Some(story) = pages.open.get_mut(&session)
        {
            story.push(at, what());
        }
    }

    /// The story of a turn, if it is followed.
    #[inline]
    pub fn story(&mut self, session: SessionKey) -> Option<&mut Story> {
        self.0.as_mut()?.open.get_mut(&session)
    }

    /// Takes reasons for a decision about a turn, if it is followed.
    #[inline]
    pub fn listener(&mut self, session: SessionKey, at: Time) -> Option<Listener<'_>> {
        self.story(session).map(|story| Listener { story, at })
    }

    /// A call of the turn was given up on its way to the provider.
    #[inline]
    pub fn strays(&mut self, session: SessionKey, stray: Key<Stray>) {
        if let Some(pages) = &mut self.0
            && let Some(story) = pages.open.get_mut(&session)
        {
            story.strays += 1;
            pages.strays.insert(stray, story.number);
        }
    }

    /// It has arrived, or found nobody (then there is nothing to say).
    #[inline]
    pub fn stray_arrives(&mut self, stray: Key<Stray>, at: Time, what: Option<What>) {
        if let Some(pages) = &mut self.0
            && let Some(number) = pages.strays.remove(&stray)
        {
            pages.stray_arrives(number, at, what);
        }
    }

    /// The turn is over for its user at that time.
    #[inline]
    pub fn ends(&mut self, session: SessionKey, at: Time, ending: impl FnOnce() -> Ending) {
        if let Some(pages) = &mut self.0
            && let Some(story) = pages.open.remove(&session)
        {
            pages.ends(story, at, ending());
        }
    }

    /// Whether a story is complete that nobody has taken. A sample is complete at the end of the run only.
    pub fn has_complete(&self) -> bool {
        self.0.as_ref().is_some_and(|p| !p.done.is_empty() && !matches!(p.follow, Follow::Sample(_)))
    }

    /// Takes the complete stories, in the order in which they became complete.
    pub fn take(&mut self) -> Vec<Story> {
        self.0.as_mut().map_or_else(Vec::new, |pages| std::mem::take(&mut pages.done))
    }

    /// Takes the story that became complete first.
    pub fn take_first(&mut self) -> Option<Story> {
        let done = &mut self.0.as_mut()?.done;
        (!done.is_empty()).then(|| done.remove(0))
    }

    /// Turns that count so far; 0 when nobody is followed.
    pub fn numbered(&self) -> u64 {
        self.0.as_ref().map_or(0, |pages| pages.numbered)
    }

    /// Stories that are not complete.
    pub fn unfinished(&self) -> usize {
        self.0.as_ref().map_or(0, |pages| pages.open.len() + pages.late.len())
    }
}

impl Pages {
    fn begins(&mut self, key: SessionKey, s: &Session) {
        self.numbered += 1;
        let number = self.numbered;
        let turn = s.key.child(u64::from(s.turn));
        let followed = match self.follow {
            Follow::Nobody => false,
            Follow::Number(n) => n == number,
            Follow::Everybody => true,
            Follow::Sample(size) => {
                // positive numbers are in the order of their bits
                self.sample.insert((self.draws.uniform(SAMPLED, turn, 0).to_bits(), number));
                let dropped = if self.sample.len() > size { self.sample.pop_last() } else { None };
                if let Some((_, other)) = dropped.filter(|d| d.1 != number) {
                    self.open.retain(|_, story| story.number != other);
                    self.late.remove(&other);
                    self.done.retain(|story| story.number != other);
                }
                dropped.is_none_or(|d| d.1 != number)
            }
        };
        if followed {
            let r = &s.request;
            let story = Story {
                number,
                key: turn,
                session: s.key,
                turn: s.turn,
                group: s.group,
                workload: s.workload,
                sent: r.sent,
                prompt: r.prompt,
                steps: Vec::new(),
                ending: None,
                strays: 0,
            };
            self.open.insert(key, story);
        }
    }

    fn stray_arrives(&mut self, number: u64, at: Time, what: Option<What>) {
        let open = self.open.values_mut().find(|s| s.number == number);
        let Some(story) = open.or_else(|| self.late.get_mut(&number)) else { return };
        story.strays -= 1;
        story.steps.extend(what.map(|what| super::story::Step { at, what }));
        if story.strays == 0
            && let Some(story) = self.late.remove(&number)
        {
            self.complete(story);
        }
    }

    fn ends(&mut self, mut story: Story, at: Time, ending: Ending) {
        story.ending = Some(ending);
        story.push(at, What::Ends(ending));
        if story.strays == 0 {
            self.complete(story);
        } else {
            self.late.insert(story.number, story);
        }
    }

    fn complete(&mut self, mut story: Story) {
        // a first byte was written down when its provider took the call in; one that never came is struck out
        let over: Vec<(u32, Time)> = story
            .steps
            .iter()
            .filter_map(|step| match step.what {
                What::AttemptEnds { attempt, .. } | What::GivenUp { attempt, .. } => Some((attempt, step.at)),
                _ => None,
            })
            .collect();
        story.steps.retain(|step| match step.what {
            What::FirstByte { attempt } => !over.iter().any(|(other, at)| *other == attempt && step.at > *at),
            _ => true,
        });
        // what happens together stays in order
        story.steps.sort_by_key(|step| step.at);
        self.done.push(story);
    }
}
