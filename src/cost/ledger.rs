//! The ledger: usage in whole numbers, per price and per owner. On the event path it is one addition at an index.

use super::book::{LineIx, PriceBook};
use crate::units::GroupIx;

/// How much of each price was used, by each user group and by all in common.
///
/// Quantities are 128-bit integers, so that neither nanoseconds of ten thousand servers over a year nor bytes can
/// overflow, and additions commute: the order of events, threads and merges cannot show.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ledger {
    /// Row per line; in a row, one cell per group and a last one for shared usage.
    cells: Vec<u128>,
    groups: usize,
}

impl Ledger {
    /// For the prices of `book` and `groups` user groups, with nothing used.
    pub fn new(book: &PriceBook, groups: usize) -> Ledger {
        Ledger { cells: vec![0; book.len() * (groups + 1)], groups }
    }

    /// Adds usage that a user group caused.
    ///
    /// # Panics
    /// If the line or the group is not of this ledger.
    #[inline]
    pub fn add(&mut self, line: LineIx, owner: GroupIx, quantity: impl Into<u128>) {
        assert!(owner.ix() < self.groups, "group {} of {}", owner.ix(), self.groups);
        self.cells[line.ix() * (self.groups + 1) + owner.ix()] += quantity.into();
    }

    /// Adds usage that serves everybody: servers, databases, health checks, replication.
    ///
    /// # Panics
    /// If the line is not of this ledger.
    #[inline]
    pub fn add_shared(&mut self, line: LineIx, quantity: impl Into<u128>) {
        self.cells[line.ix() * (self.groups + 1) + self.groups] += quantity.into();
    }

    /// Adds another ledger of the same prices and groups.
    ///
    /// # Panics
    /// If the other has a different shape.
    pub fn merge(&mut self, other: &Ledger) {
        assert_eq!((self.cells.len(), self.groups), (other.cells.len(), other.groups), "ledgers of different books");
        for (m, t) in self.cells.iter_mut().zip(&other.cells) {
            *m += t;
        }
    }

    /// How many user groups there are.
    pub fn groups(&self) -> usize {
        self.groups
    }
    /// How many lines there are.
    pub fn lines(&self) -> usize {
        self.cells.len() / (self.groups + 1)
    }
    /// What each group used of a line, in the order of the groups.
    ///
    /// # Panics
    /// If the line is not of this ledger.
    pub fn by_group(&self, line: LineIx) -> &[u128] {
        let row = line.ix() * (self.groups + 1);
        &self.cells[row..row + self.groups]
    }
    /// What was used of a line in common.
    ///
    /// # Panics
    /// If the line is not of this ledger.
    pub fn shared(&self, line: LineIx) -> u128 {
        self.cells[line.ix() * (self.groups + 1) + self.groups]
    }
    /// All usage of a line.
    ///
    /// # Panics
    /// If the line is not of this ledger.
    pub fn total(&self, line: LineIx) -> u128 {
        self.by_group(line).iter().sum::<u128>() + self.shared(line)
    }
}
