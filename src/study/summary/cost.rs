//! The bill in display units.

use super::{Measured, Priced};
use crate::cost::Category;
use crate::study::result::{CostLine, CostSummary};
use crate::units::{Money, Price, Span};

impl Measured<'_> {
    /// The mean bill of one replication, to the last pico-dollar.
    fn total(&self) -> Money {
        Price::new(self.bill.total(), u64::from(self.record.replications)).cost(1)
    }

    /// Dollars for a month of 730 hours like the measured ones.
    pub(super) fn per_month_usd(&self) -> f64 {
        crate::cost::extrapolated_to_month(self.total(), self.scenario.horizon).as_dollars_f64()
    }

    pub(super) fn cost(&self, baseline: Priced<'_>) -> CostSummary {
        let total = self.total();
        let multipliers = self.priced().multipliers(baseline);
        let place = |r: Option<crate::units::RegionIx>| {
            r.map_or_else(|| "–".to_owned(), |r| self.scenario.places[r.ix()].id.clone())
        };
        let mut lines: Vec<(Money, CostLine)> = self
            .bill
            .lines()
            .iter()
            .map(|l| {
                let (quantity, unit) = l.unit.readable(l.quantity);
                let line = CostLine {
                    category: l.category.name().to_owned(),
                    item: l.service.clone(),
                    region: place(l.region),
                    quantity: quantity / f64::from(self.record.replications),
                    unit: unit.to_owned(),
                    price: price_text(l.price, unit),
                    amount_usd: self.usd(l.amount),
                    source: l.provenance.to_string(),
                };
                (l.amount, line)
            })
            .collect();
        lines.sort_by_key(|l| std::cmp::Reverse(l.0)); // stable: equal amounts stay in the order of the book
        let by_category = self.bill.by_category();
        let mut by_region: Vec<(Money, String)> =
            self.bill.by_region().into_iter().map(|(r, m)| (m, place(r))).collect();
        by_region.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        CostSummary {
            total_usd: total.as_dollars_f64(),
            exact_usd: total.to_dollars_string(12).replace(',', ""),
            infrastructure_usd: self.usd(self.bill.infrastructure()),
            tokens_usd: self.usd(self.bill.tokens()),
            per_1k_requests_usd: self.bill.per_1k_requests().map(Money::as_dollars_f64),
            per_month_usd: self.per_month_usd(),
            multiplier: multipliers.total,
            multiplier_infrastructure: multipliers.infrastructure,
            lines: lines.into_iter().map(|l| l.1).collect(),
            by_category: Category::ALL
                .into_iter()
                .filter_map(|c| by_category.get(&c).map(|m| (c.name().to_owned(), self.usd(*m))))
                .collect(),
            by_region: by_region.into_iter().map(|(m, r)| (r, self.usd(m))).collect(),
        }
    }
}

/// A price per readable unit, such as `$3 / Mtok`.
fn price_text(price: Price, unit: &str) -> String {
    let per = |n: u128| price.cost(n);
    let (amount, unit) = match unit {
        "tokens" | "Mtok" => (per(1_000_000), "Mtok"),
        "GB" => (per(1_000_000_000), "GB"),
        "h" => (per(u128::from(Span::from_hours(1).nanos())), "h"),
        other => (per(1), other),
    };
    let text = amount.to_dollars_string(6);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("${text} / {unit}")
}
