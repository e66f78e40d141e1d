//! Randomness for a replay: the generator itself, or the tape of what it gave. The tape also checks that the router asks for
//! the same kind of draw among the same candidates.

use crate::mt19937::Mt19937;
use crate::vector::Draw;
use geodes::routing::entropy::Entropy;
use geodes::routing::litellm::Why;
use geodes::routing::reason::{Reason, ReasonSink};
use std::cell::RefCell;
use std::rc::Rc;

/// What the router has said since its last draw or pick.
#[derive(Default)]
pub struct Heard {
    /// All reasons with the time of the command that they led to.
    pub timed: Vec<(f64, Why)>,
    reasons: Vec<Why>,
    candidates: Vec<u16>,
    shuffled: Vec<u16>,
}

impl Heard {
    /// Gives what was said since the last time a time.
    pub fn stamp(&mut self, t: f64) {
        self.timed.extend(self.reasons.drain(..).map(|why| (t, why)));
    }
}

/// A sink that the tape can look into.
#[derive(Clone, Default)]
pub struct Ear(pub Rc<RefCell<Heard>>);

impl ReasonSink for Ear {
    fn on(&self) -> bool {
        true
    }
    fn push(&mut self, reason: Reason) {
        let Reason::LiteLlm(why) = reason else { return };
        let mut heard = self.0.borrow_mut();
        match why {
            Why::Candidate { deployment, .. } => heard.candidates.push(deployment.0),
            Why::Shuffled { deployment } => heard.shuffled.push(deployment.0),
            Why::Picked { .. } | Why::Failed { .. } => {
                heard.candidates.clear();
                heard.shuffled.clear();
            }
            _ => {}
        }
        heard.reasons.push(why);
    }
}

/// A source of choices for a replay.
pub enum Source {
    /// CPython's generator. The first draws are kept, for files that list them.
    Generator(Box<Mt19937>, Vec<Taken>),
    /// What was recorded.
    Tape(Tape),
}

/// A draw as the router asked for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    /// Shares, for a weighted draw.
    pub weights: Vec<f64>,
    /// The uniform number behind a weighted draw.
    pub u: Option<f64>,
    /// The position drawn.
    pub position: usize,
}

/// The recorded draws.
pub struct Tape {
    draws: Vec<Draw>,
    next: usize,
    ids: Vec<String>,
    ear: Ear,
    /// The first difference.
    pub wrong: Option<String>,
}

impl Tape {
    pub fn new(draws: Vec<Draw>, ids: Vec<String>, ear: Ear) -> Tape {
        Tape { draws, next: 0, ids, ear, wrong: None }
    }

    /// What is wrong with how the tape was used.
    pub fn verdict(&self) -> Option<String> {
        self.wrong.clone().or_else(|| {
            let left = self.draws.len() - self.next;
            (left > 0)
                .then(|| format!("{left} recorded draws were not asked for, the first is {:?}", self.draws[self.next]))
        })
    }

    fn take(&mut self, asked: &str) -> Option<Draw> {
        if self.wrong.is_some() {
            return None;
        }
        let draw = self.draws.get(self.next).cloned();
        self.next += 1;
        if draw.is_none() {
            self.wrong = Some(format!("draw {}: the router asks for {asked}, the tape is at its end", self.next));
        }
        draw
    }

    fn fail(&mut self, asked: String, draw: &Draw) {
        self.wrong = Some(format!("draw {}: the router asks for {asked}, the tape has {draw:?}", self.next));
    }

    fn names(&self, list: &[u16]) -> Vec<String> {
        list.iter().map(|d| self.ids[usize::from(*d)].clone()).collect()
    }

    /// Position of the recorded pick, if the candidates are the recorded ones.
    fn picked(&mut self, asked: String, draw: &Draw, candidates: &[String], picked: &str, n: usize) -> usize {
        let own = self.names(&self.ear.0.borrow().candidates);
        self.ear.0.borrow_mut().candidates.clear();
        match candidates.iter().position(|c| c == picked) {
            Some(at) if own == candidates && n == candidates.len() => at,
            _ => {
                self.fail(format!("{asked} among {own:?}"), draw);
                0
            }
        }
    }
}

impl Entropy for Tape {
    fn uniform(&mut self) -> f64 {
        match self.take("a uniform number") {
            Some(Draw::Random { u }) => u,
            Some(draw) => {
                self.fail("a uniform number".to_owned(), &draw);
                0.0
            }
            None => 0.0,
        }
    }

    fn pick(&mut self, n: usize) -> usize {
        let asked = format!("one of {n}");
        match self.take(&asked) {
            Some(Draw::Choice { candidates, picked }) => {
                let draw = Draw::Choice { candidates: candidates.clone(), picked: picked.clone() };
                self.picked(asked, &draw, &candidates, &picked, n)
            }
            Some(draw) => {
                self.fail(asked, &draw);
                0
            }
            None => 0,
        }
    }

    fn weighted(&mut self, weights: impl Iterator<Item = f64> + Clone) -> usize {
        let own: Vec<f64> = weights.collect();
        let asked = format!("one by weights {own:?}");
        match self.take(&asked) {
            Some(Draw::Choices { candidates, picked, weights, u }) => {
                let same = own.len() == weights.len() && own.iter().zip(&weights).all(|(a, b)| (a - b).abs() < 1e-12);
                let draw = Draw::Choices { candidates: candidates.clone(), picked: picked.clone(), weights, u };
                if !same {
                    self.fail(asked, &draw);
                    return 0;
                }
                self.picked(asked, &draw, &candidates, &picked, own.len())
            }
            Some(draw) => {
                self.fail(asked, &draw);
                0
            }
            None => 0,
        }
    }

    fn permute<T: Copy>(&mut self, items: &mut [T]) {
        let own = self.names(&self.ear.0.borrow().shuffled);
        self.ear.0.borrow_mut().shuffled.clear();
        let asked = format!("an order of {own:?}");
        match self.take(&asked) {
            Some(Draw::Sample { population, order }) => {
                let at = |id: &String| population.iter().position(|p| p == id);
                let places: Option<Vec<usize>> = order.iter().map(at).collect();
                match places {
                    Some(places) if own == population && places.len() == items.len() => {
                        let before = items.to_vec();
                        for (item, place) in items.iter_mut().zip(places) {
                            *item = before[place];
                        }
                    }
                    _ => self.fail(asked, &Draw::Sample { population, order }),
                }
            }
            Some(draw) => self.fail(asked, &draw),
            None => {}
        }
    }
}

impl Entropy for Source {
    fn uniform(&mut self) -> f64 {
        match self {
            Source::Generator(g, _) => g.uniform(),
            Source::Tape(t) => t.uniform(),
        }
    }

    fn pick(&mut self, n: usize) -> usize {
        match self {
            Source::Generator(g, taken) => {
                let position = g.pick(n);
                keep(taken, || Taken { weights: Vec::new(), u: None, position });
                position
            }
            Source::Tape(t) => t.pick(n),
        }
    }

    fn weighted(&mut self, weights: impl Iterator<Item = f64> + Clone) -> usize {
        match self {
            Source::Generator(g, taken) => {
                let mut uniform = Overheard { generator: g, u: 0.0 };
                let position = uniform.weighted(weights.clone());
                let u = Some(uniform.u);
                keep(taken, || Taken { weights: weights.collect(), u, position });
                position
            }
            Source::Tape(t) => t.weighted(weights),
        }
    }

    fn permute<T: Copy>(&mut self, items: &mut [T]) {
        match self {
            Source::Generator(g, _) => g.permute(items),
            Source::Tape(t) => t.permute(items),
        }
    }
}

/// Remembers the uniform number behind a weighted draw.
struct Overheard<'a> {
    generator: &'a mut Mt19937,
    u: f64,
}

impl Overheard<'_> {
    fn weighted(&mut self, weights: impl Iterator<Item = f64> + Clone) -> usize {
        let mut ahead = Mt19937::clone(self.generator);
        self.u = ahead.uniform();
        self.generator.weighted(weights)
    }
}

fn keep(taken: &mut Vec<Taken>, draw: impl FnOnce() -> Taken) {
    if taken.len() < 20 {
        taken.push(draw());
    }
}
