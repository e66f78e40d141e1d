//! Properties of money: a bill adds up to the last unit however it is added up, and nothing depends on order.

use geodes::cost::{
    Bill, BookError, Category, Ledger, LineIx, PriceBook, PriceEntry, PriceKey, Provenance, TokenKind, UsageUnit,
    extrapolated_to_month,
};
use geodes::units::{DeploymentIx, GroupIx, Money, Price, RegionIx, Span, parse_money_per};
use proptest::prelude::*;

fn provenance() -> Provenance {
    Provenance { source: "made up for this test".to_owned(), date: "2026-01-01".to_owned() }
}

fn entry(price: Price, service: &str, provider: Option<&str>, region: Option<u16>) -> PriceEntry {
    PriceEntry {
        price,
        service: service.to_owned(),
        region: region.map(RegionIx),
        provider: provider.map(str::to_owned),
        provenance: provenance(),
    }
}

fn price(text: &str) -> Price {
    parse_money_per(text).unwrap()
}

fn dollars(text: &str) -> Money {
    Money::parse(text).unwrap()
}

/// Tokens of one deployment in region 1, servers and a database in region 0, egress from there.
fn small_book() -> (PriceBook, [LineIx; 5]) {
    let mut book = PriceBook::new();
    let input = PriceKey::Tokens { deployment: DeploymentIx(0), kind: TokenKind::Input };
    let output = PriceKey::Tokens { deployment: DeploymentIx(0), kind: TokenKind::Output };
    let lines = [
        book.register(input, entry(price("$3 / Mtok"), "sonnet", Some("anthropic"), Some(1))).unwrap(),
        book.register(output, entry(price("$15 / Mtok"), "sonnet", Some("anthropic"), Some(1))).unwrap(),
        book.register(
            PriceKey::Servers { region: RegionIx(0), kind: "m5.large".to_owned() },
            entry(price("$0.096 / h"), "m5.large", Some("aws"), None),
        )
        .unwrap(),
        book.register(
            PriceKey::Service { region: Some(RegionIx(0)), name: "database".to_owned() },
            entry(price("$365 / month"), "database", Some("aws"), None),
        )
        .unwrap(),
        book.register(
            PriceKey::EgressInternet { from: RegionIx(0) },
            entry(price("$0.09 / GB"), "data to users", Some("aws"), None),
        )
        .unwrap(),
    ];
    (book, lines)
}

const DAY_NS: u64 = 86_400_000_000_000;

#[test]
fn a_bill_by_hand() {
    let (book, [input, output, servers, database, egress]) = small_book();
    let mut ledger = Ledger::new(&book, 2);
    ledger.add(input, GroupIx(0), 2_000_000u64); // $6
    ledger.add(input, GroupIx(1), 1_000_000u64); // $3
    ledger.add(output, GroupIx(1), 100_000u64); // $1.50
    ledger.add_shared(servers, 10 * DAY_NS); // 240 h: $23.04
    ledger.add_shared(database, DAY_NS); // 24 h at $0.50: $12
    ledger.add(egress, GroupIx(0), 5_000_000_000u64); // $0.45
    let bill = Bill::new(&book, &ledger, &[3000, 1000]);

    assert_eq!(bill.total(), dollars("45.99"));
    assert_eq!((bill.tokens(), bill.infrastructure()), (dollars("10.5"), dollars("35.49")));
    let categories: Vec<(Category, Money)> = bill.by_category().into_iter().collect();
    assert_eq!(
        categories,
        [
            (Category::Tokens, dollars("10.5")),
            (Category::Compute, dollars("23.04")),
            (Category::Service, dollars("12")),
            (Category::EgressInternet, dollars("0.45")),
        ]
    );
    assert_eq!(bill.by_region()[&Some(RegionIx(1))], dollars("10.5"));
    assert_eq!(bill.by_region()[&Some(RegionIx(0))], dollars("35.49"));
    assert_eq!(bill.by_provider()[&Some("aws")], dollars("35.49"));
    // own usage, and three quarters of the shared $35.04
    assert_eq!(bill.by_group(), [dollars("32.73"), dollars("13.26")]);
    assert_eq!(bill.sum_of_group(GroupIx(1), |l| l.category == Category::Tokens), dollars("4.5"));
    assert_eq!((bill.requests(), bill.per_1k_requests()), (4000, Some(dollars("11.4975"))));
    assert_eq!(bill.extrapolated_to_month(Span::from_hours(24)), Money::from_pico(1_398_862_500_000_000));

    let line = &bill.lines()[2];
    assert_eq!(
        (line.service.as_str(), line.unit, line.region),
        ("m5.large", UsageUnit::Nanoseconds, Some(RegionIx(0)))
    );
    assert_eq!(line.unit.readable(line.quantity), (240.0, "h"));
    assert_eq!(line.provenance.to_string(), "made up for this test, 2026-01-01");
}

#[test]
fn multipliers_compare_with_a_baseline() {
    let (book, [input, _, servers, ..]) = small_book();
    let mut one = Ledger::new(&book, 1);
    one.add(input, GroupIx(0), 1_000_000u64);
    one.add_shared(servers, 10 * DAY_NS);
    let mut two = one.clone();
    two.add_shared(servers, 5 * DAY_NS);
    let (one, two) = (Bill::new(&book, &one, &[1]), Bill::new(&book, &two, &[1]));
    let m = two.multipliers(&one);
    assert_eq!((m.infrastructure, m.tokens), (Some(1.5), Some(1.0)));
    assert!((m.total.unwrap() - (3.0 + 34.56) / (3.0 + 23.04)).abs() < 1e-15);
    let nothing = Bill::new(&book, &Ledger::new(&book, 1), &[0]);
    assert_eq!((nothing.total(), nothing.per_1k_requests(), nothing.lines().len()), (Money::ZERO, None, 0));
    assert_eq!(two.multipliers(&nothing).total, None);
}

#[test]
fn the_book_refuses_contradictions() {
    let (mut book, _) = small_book();
    let servers = PriceKey::Servers { region: RegionIx(0), kind: "m5.large".to_owned() };
    let again = book.register(servers.clone(), entry(price("$1 / h"), "m5.large", None, None));
    assert_eq!(again, Err(BookError::Duplicate(servers.clone())));
    let elsewhere = PriceKey::Servers { region: RegionIx(0), kind: "m5.xlarge".to_owned() };
    let wrong = book.register(elsewhere.clone(), entry(price("$1 / h"), "m5.xlarge", None, Some(2)));
    assert_eq!(wrong, Err(BookError::RegionMismatch(elsewhere)));
    assert_eq!(book.line(&servers).map(|l| book.entry(l).region), Some(Some(RegionIx(0))));
    assert_eq!(book.line(&PriceKey::EgressInternet { from: RegionIx(7) }), None);
    assert_eq!(book.len(), 5);
}

#[test]
#[should_panic(expected = "group 2 of 2")]
fn usage_of_an_unknown_group_does_not_land_in_the_shared_part() {
    let (book, [input, ..]) = small_book();
    Ledger::new(&book, 2).add(input, GroupIx(2), 1u64);
}

#[test]
fn quantities_beyond_64_bits_are_exact() {
    let (book, [_, _, servers, ..]) = small_book();
    let mut ledger = Ledger::new(&book, 3);
    // 100,000 servers for ten years of 365 days: 8.76e9 h at $0.096
    let quantity = 100_000u128 * 3650 * u128::from(DAY_NS);
    assert!(quantity > u128::from(u64::MAX));
    ledger.add_shared(servers, quantity);
    let bill = Bill::new(&book, &ledger, &[u64::MAX / 4, u64::MAX / 4, 1]);
    assert_eq!(bill.total(), dollars("840960000"));
    assert_eq!(bill.by_group().iter().copied().sum::<Money>(), bill.total());
}

/// Keys of every kind over a few regions, numbered.
fn key(i: usize) -> PriceKey {
    let region = RegionIx((i % 3) as u16);
    let name = format!("thing {i}");
    match i % 7 {
        0 => PriceKey::Tokens { deployment: DeploymentIx(i as u16), kind: TokenKind::Output },
        1 => PriceKey::EgressInternet { from: RegionIx(i as u16) },
        2 => PriceKey::EgressBetween { from: region, to: RegionIx(i as u16) },
        3 => PriceKey::Servers { region, kind: name },
        4 => PriceKey::Service { region: None, name },
        5 => PriceKey::Requests { region: Some(region), name },
        _ => PriceKey::Other { region: None, name },
    }
}

/// A usage: line, group (or shared), quantity.
type Usage = (usize, Option<usize>, u64);

const LINES: usize = 14;
const GROUPS: usize = 4;

fn prices() -> impl Strategy<Value = Vec<Price>> {
    // awkward prices: any pico-dollars per any number of units
    prop::collection::vec((0i128..1_000_000_000_000_000, 1u64..10_000_000_000_000), LINES)
        .prop_map(|v| v.into_iter().map(|(pico, per)| Price::new(Money::from_pico(pico), per)).collect())
}

fn usages() -> impl Strategy<Value = Vec<Usage>> {
    let quantity = (0u32..64, any::<u64>()).prop_map(|(shift, q)| q >> shift >> 8);
    prop::collection::vec((0..LINES, prop::option::of(0..GROUPS), quantity), 0..60)
}

fn book_of(prices: &[Price]) -> (PriceBook, Vec<LineIx>) {
    let mut book = PriceBook::new();
    let lines = prices
        .iter()
        .enumerate()
        .map(|(i, &p)| book.register(key(i), entry(p, "x", ["a", "b"].get(i % 3).copied(), None)).unwrap())
        .collect();
    (book, lines)
}

fn ledger_of(book: &PriceBook, lines: &[LineIx], usages: &[Usage]) -> Ledger {
    let mut ledger = Ledger::new(book, GROUPS);
    for &(line, group, quantity) in usages {
        match group {
            Some(g) => ledger.add(lines[line], GroupIx::new(g), quantity),
            None => ledger.add_shared(lines[line], quantity),
        }
    }
    ledger
}

proptest! {
    #[test]
    fn every_way_of_adding_up_comes_to_the_same(
        prices in prices(), usages in usages(), requests in prop::collection::vec(any::<u32>().prop_map(u64::from), GROUPS),
    ) {
        let (book, lines) = book_of(&prices);
        let bill = Bill::new(&book, &ledger_of(&book, &lines, &usages), &requests);
        let sum = |parts: Vec<Money>| parts.into_iter().sum::<Money>();
        prop_assert_eq!(sum(bill.lines().iter().map(|l| l.amount).collect()), bill.total());
        prop_assert_eq!(sum(bill.by_category().into_values().collect()), bill.total());
        prop_assert_eq!(sum(bill.by_region().into_values().collect()), bill.total());
        prop_assert_eq!(sum(bill.by_provider().into_values().collect()), bill.total());
        prop_assert_eq!(sum(bill.by_group().to_vec()), bill.total());
        prop_assert_eq!(sum((0..GROUPS).map(|g| bill.sum_of_group(GroupIx::new(g), |_| true)).collect()), bill.total());
        prop_assert_eq!(bill.tokens() + bill.infrastructure(), bill.total());

        // priced once per line: the amount is the exact product to within half a pico-dollar
        for l in bill.lines() {
            let i = book.line(&l.key).unwrap().ix();
            let used: u128 = usages.iter().filter(|u| u.0 == i).map(|u| u128::from(u.2)).sum();
            prop_assert_eq!(used, l.quantity);
            let (amount, per) = (prices[i].amount.pico(), i128::from(prices[i].per));
            // in exact arithmetic over what is left of whole multiples of `per`
            let whole = (used / per as u128) as i128 * amount;
            let rest = (used % per as u128) as i128 * amount;
            let error = (l.amount.pico() - whole) * per - rest;
            prop_assert!(2 * error.abs() <= per, "{:?}", l);
        }
    }

    #[test]
    fn neither_order_nor_merging_shows(
        prices in prices(), usages in usages(), cut in any::<prop::sample::Index>(), seed in any::<u64>(),
    ) {
        let (book, lines) = book_of(&prices);
        let all = ledger_of(&book, &lines, &usages);
        let mut shuffled = usages.clone();
        shuffled.sort_by_key(|u| (u.2 ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        prop_assert_eq!(&ledger_of(&book, &lines, &shuffled), &all);
        let (a, b) = shuffled.split_at(cut.index(shuffled.len() + 1));
        let (a, b) = (ledger_of(&book, &lines, a), ledger_of(&book, &lines, b));
        let mut ab = a.clone();
        ab.merge(&b);
        let mut ba = b;
        ba.merge(&a);
        prop_assert_eq!(&ab, &all);
        prop_assert_eq!(&ba, &all);
        let requests = [1, 2, 3, 4];
        prop_assert_eq!(Bill::new(&book, &ab, &requests), Bill::new(&book, &all, &requests));
    }

    #[test]
    fn groups_bear_their_own_usage_and_their_share_of_the_rest(
        own in prop::collection::vec(0u64..1_000_000_000, GROUPS), shared in 0u64..1_000_000_000,
        requests in prop::collection::vec(0u64..1_000_000, GROUPS),
    ) {
        prop_assume!(requests.iter().sum::<u64>() > 0);
        let (book, lines) = book_of(&vec![price("$3 / Mtok"); LINES]);
        let mut ledger = Ledger::new(&book, GROUPS);
        for (g, &q) in own.iter().enumerate() {
            ledger.add(lines[0], GroupIx::new(g), q);
        }
        ledger.add_shared(lines[0], shared);
        let bill = Bill::new(&book, &ledger, &requests);
        let all: u64 = requests.iter().sum();
        for (g, part) in bill.by_group().iter().enumerate() {
            // $3 per million tokens is exactly 3,000,000 pico-dollars per token, so own usage is exact
            let common = i128::from(shared) * 3_000_000 * i128::from(requests[g]);
            let error = (part.pico() - i128::from(own[g]) * 3_000_000) * i128::from(all) - common;
            prop_assert!(error.abs() < i128::from(all), "group {} is {:?}", g, part);
        }
    }

    #[test]
    fn a_month_is_the_measured_time_scaled(pico in 0i128..1_000_000_000_000_000_000, hours in 1u64..20_000) {
        let m = extrapolated_to_month(Money::from_pico(pico), Span::from_hours(hours)).pico();
        let error = m * i128::from(hours) - pico * 730;
        prop_assert!(2 * error.abs() <= i128::from(hours));
        prop_assert_eq!(extrapolated_to_month(Money::from_pico(pico), Span::from_hours(730)).pico(), pico);
    }
}
