//! What it costs: prices with their provenance, usage in whole numbers, and a bill that adds up to the last unit.
//!
//! A run registers its prices once in a [`PriceBook`] and gets a [`LineIx`] for each; on the event path a [`Ledger`] adds
//! whole quantities at that index; at the end [`Bill::new`] multiplies each line's total quantity by its price, once,
//! rounding half to even at 10^-12 dollars. Prices are linear: volume tiers and free allowances are not modelled.

mod bill;
mod book;
mod ledger;

pub use bill::{Bill, BillLine, Multipliers, extrapolated_to_month};
pub use book::{BookError, Category, LineIx, PriceBook, PriceEntry, PriceKey, Provenance, TokenKind, UsageUnit};
pub use ledger::Ledger;
