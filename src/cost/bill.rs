//! The bill: each line's usage times its price, once, and totals that agree to the last unit (INV-4).

use super::book::{Category, PriceBook, PriceKey, Provenance, UsageUnit};
use super::ledger::Ledger;
use crate::units::{GroupIx, HOURS_PER_MONTH, Money, Price, RegionIx, Span};
use std::collections::BTreeMap;

/// One line: a price, how much was used of it, what that makes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BillLine {
    /// What was charged.
    pub key: PriceKey,
    /// Its category.
    pub category: Category,
    /// What it is called.
    pub service: String,
    /// Where it was used; `None` if nowhere in particular.
    pub region: Option<RegionIx>,
    /// Who sends the invoice; `None` if unnamed.
    pub provider: Option<String>,
    /// How much was used.
    pub quantity: u128,
    /// The unit of the quantity.
    pub unit: UsageUnit,
    /// The price.
    pub price: Price,
    /// Quantity times price, rounded half to even at 10^-12 dollars.
    pub amount: Money,
    /// Where the price comes from.
    pub provenance: Provenance,
    /// The amount by user group: what a group used itself, plus its share of what all used in common, by requests.
    /// Adds up to the amount.
    pub by_group: Vec<Money>,
}

/// What a period costs. Every total is a sum of the same lines and agrees to the last unit; this is checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bill {
    lines: Vec<BillLine>,
    total: Money,
    by_group: Vec<Money>,
    requests: u64,
}

/// How many times the baseline something costs. `None` where the baseline costs nothing.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Multipliers {
    /// Everything.
    pub total: Option<f64>,
    /// Everything but tokens.
    pub infrastructure: Option<f64>,
    /// Tokens alone.
    pub tokens: Option<f64>,
}

impl Bill {
    /// Prices a ledger. `requests` are the requests of each group over the same period; shared usage is split by them
    /// (if nobody sent any, the first group bears it). Lines without usage are left out.
    ///
    /// # Panics
    /// If the ledger does not belong to the book, `requests` does not have one entry per group, there is no group at
    /// all, or money does not add up (INV-4, a bug).
    pub fn new(book: &PriceBook, ledger: &Ledger, requests: &[u64]) -> Bill {
        assert_eq!(ledger.lines(), book.len(), "the ledger belongs to another book");
        assert_eq!(ledger.groups(), requests.len(), "one number of requests per group");
        assert!(!requests.is_empty(), "somebody has to bear the cost: at least one group");
        let mut lines = Vec::new();
        for (ix, key, entry) in book.iter() {
            let quantity = ledger.total(ix);
            if quantity == 0 {
                continue;
            }
            let amount = entry.price.cost(quantity);
            // first over owners, the common part being the last; then the common part over requests
            let mut owners: Vec<u128> = ledger.by_group(ix).to_vec();
            owners.push(ledger.shared(ix));
            let mut by_group = amount.split(&weights(&owners));
            let common = by_group.pop().expect("the common part is the last");
            for (group, part) in by_group.iter_mut().zip(common.split(requests)) {
                *group += part;
            }
            lines.push(BillLine {
                key: key.clone(),
                category: key.category(),
                service: entry.service.clone(),
                region: entry.region,
                provider: entry.provider.clone(),
                quantity,
                unit: key.unit(),
                price: entry.price,
                amount,
                provenance: entry.provenance.clone(),
                by_group,
            });
        }
        let total = lines.iter().map(|l| l.amount).sum();
        let mut by_group = vec![Money::ZERO; requests.len()];
        for line in &lines {
            for (sum, part) in by_group.iter_mut().zip(&line.by_group) {
                *sum += *part;
            }
        }
        let bill = Bill { lines, total, by_group, requests: requests.iter().sum() };
        bill.check();
        bill
    }

    /// INV-4: money adds up to the last unit, along every way of adding it up.
    fn check(&self) {
        for line in &self.lines {
            let parts: Money = line.by_group.iter().copied().sum();
            assert!(parts == line.amount, "INV-4 broken: {:?} is {:?}, its parts are {parts:?}", line.key, line.amount);
            assert!(
                line.price.cost(line.quantity) == line.amount,
                "INV-4 broken: {:?} is not quantity times price",
                line.key
            );
        }
        let sums: [(&str, Money); 4] = [
            ("categories", self.by_category().values().copied().sum()),
            ("regions", self.by_region().values().copied().sum()),
            ("providers", self.by_provider().values().copied().sum()),
            ("groups", self.by_group.iter().copied().sum()),
        ];
        for (name, sum) in sums {
            assert!(sum == self.total, "INV-4 broken: the total is {:?}, the {name} add up to {sum:?}", self.total);
        }
    }

    /// The lines that were used, in the order of the book.
    pub fn lines(&self) -> &[BillLine] {
        &self.lines
    }
    /// Everything.
    pub fn total(&self) -> Money {
        self.total
    }
    /// Tokens alone.
    pub fn tokens(&self) -> Money {
        self.sum(|l| l.category == Category::Tokens)
    }
    /// Everything but tokens.
    pub fn infrastructure(&self) -> Money {
        self.sum(|l| l.category != Category::Tokens)
    }
    /// The sum of some lines.
    pub fn sum(&self, which: impl Fn(&BillLine) -> bool) -> Money {
        self.lines.iter().filter(|l| which(l)).map(|l| l.amount).sum()
    }
    /// What one group has to bear of some lines.
    ///
    /// # Panics
    /// If there is no such group.
    pub fn sum_of_group(&self, group: GroupIx, which: impl Fn(&BillLine) -> bool) -> Money {
        self.lines.iter().filter(|l| which(l)).map(|l| l.by_group[group.ix()]).sum()
    }
    /// By category; those that cost nothing are left out.
    pub fn by_category(&self) -> BTreeMap<Category, Money> {
        self.totals(|l| l.category)
    }
    /// By region, `None` being nowhere in particular.
    pub fn by_region(&self) -> BTreeMap<Option<RegionIx>, Money> {
        self.totals(|l| l.region)
    }
    /// By who sends the invoice, `None` being unnamed.
    pub fn by_provider(&self) -> BTreeMap<Option<&str>, Money> {
        self.totals(|l| l.provider.as_deref())
    }
    /// By user group, shared items split by requests.
    pub fn by_group(&self) -> &[Money] {
        &self.by_group
    }
    /// The requests of the period.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// The cost of a thousand requests, rounded half to even at 10^-12 dollars; `None` without requests.
    pub fn per_1k_requests(&self) -> Option<Money> {
        (self.requests > 0).then(|| Price::new(self.total, self.requests).cost(1000))
    }

    /// The total **extrapolated** to a month of 730 hours, as if every hour cost what the measured ones did.
    ///
    /// # Panics
    /// If nothing was measured (`measured` is zero).
    pub fn extrapolated_to_month(&self, measured: Span) -> Money {
        extrapolated_to_month(self.total, measured)
    }

    /// How many times the baseline this costs. Floating point, for display and objectives.
    pub fn multipliers(&self, baseline: &Bill) -> Multipliers {
        let ratio = |a: Money, b: Money| (b != Money::ZERO).then(|| a.pico() as f64 / b.pico() as f64);
        Multipliers {
            total: ratio(self.total, baseline.total),
            infrastructure: ratio(self.infrastructure(), baseline.infrastructure()),
            tokens: ratio(self.tokens(), baseline.tokens()),
        }
    }

    fn totals<'a, K: Ord>(&'a self, key: impl Fn(&'a BillLine) -> K) -> BTreeMap<K, Money> {
        let mut totals = BTreeMap::new();
        for line in &self.lines {
            *totals.entry(key(line)).or_insert(Money::ZERO) += line.amount;
        }
        totals
    }
}

/// An amount **extrapolated** from the measured period to a month of 730 hours, half to even at 10^-12 dollars.
///
/// # Panics
/// If nothing was measured (`measured` is zero).
pub fn extrapolated_to_month(amount: Money, measured: Span) -> Money {
    assert!(measured > Span::ZERO, "nothing was measured");
    Price::new(amount, measured.nanos()).cost(u128::from(HOURS_PER_MONTH) * 3_600_000_000_000)
}

/// Quantities as weights of [`Money::split`], whose products stay in range while the weights add up to less than
/// 2^62. Larger ones lose low bits alike; the parts add up all the same.
fn weights(quantities: &[u128]) -> Vec<u64> {
    let total: u128 = quantities.iter().sum();
    let shift = (128 - total.leading_zeros()).saturating_sub(62);
    quantities.iter().map(|q| (q >> shift) as u64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "INV-4 broken: the total is")]
    fn a_bill_that_does_not_add_up_stops_the_program() {
        let bill =
            Bill { lines: Vec::new(), total: Money::from_pico(1), by_group: vec![Money::from_pico(1)], requests: 0 };
        bill.check();
    }

    #[test]
    fn huge_quantities_become_weights_in_range() {
        let w = weights(&[u128::MAX / 4, u128::MAX / 4, 1]);
        assert_eq!(w[0], w[1]);
        assert_eq!(w[2], 0);
        assert!(w.iter().map(|&w| u128::from(w)).sum::<u128>() < 1 << 62);
        assert_eq!(weights(&[3, 5]), [3, 5]);
    }
}
