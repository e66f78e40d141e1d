//! What chance has no part in: the first byte of an idle system and the cost of a known load.

use super::provider::single;
use super::result::{Law, LawResult};
use super::{LawOptions, run_world};
use crate::routing::steering::Policy;
use crate::scenario::model::{Deployment, DistSpec, Scenario, Service, Sizes, Steering};
use crate::scenario::plain;
use crate::study::Prices;
use crate::units::{Money, Price, RegionIx, Span};
use crate::world::{Record, STREAM_BYTES_PER_TOKEN, TEXT_BYTES_PER_TOKEN};

const FIRST_BYTE: Law = Law {
    name: "idle: first byte (ms)",
    source: "resolution + 3 user round trips + read + work + model round trip + prefill + service; a sum",
};
const COST: Law = Law { name: "cost (USD)", source: "sum of counted quantity x price, to the pico-dollar; a sum" };

/// Replications of laws without chance in them: the demand still is random, so a few.
const FEW: usize = 4;

/// Every turn of an idle system has its first byte after the sum of the parts, to the nanosecond, with a new connection
/// (TCP and TLS: two round trips before the request) and with an open one.
pub fn first_byte(options: LawOptions) -> Vec<LawResult> {
    let ms = |n: u64| Span::from_millis(n);
    let mut s = plain(2);
    s.horizon = Span::from_secs(options.pick(3_600, 36_000));
    // the users and the application at one place, the model at the other
    s.deployments = vec![Deployment { place: RegionIx(1), ..s.deployments.remove(1) }];
    s.topologies[0].chain[0].members.truncate(1);
    s.user_links[0].rtt = ms(80);
    s.place_links[1].rtt = ms(30); // from place 0 to place 1
    s.client.handshake_round_trips = 2;
    s.dns.miss = ms(20);
    s.topologies[0].steering = Steering::dns(Policy::Latency, Span::ZERO);
    s.topologies[0].state.read = DistSpec::Constant(0.004);
    s.topologies[0].regions[0].overhead = DistSpec::Constant(0.005);
    s.workloads[0].sizes = Sizes::Fixed { input: 100, output: 20 };
    s.workloads[0].max_output_tokens = 20;
    s.deployments[0].ttft = DistSpec::Constant(0.3);
    s.deployments[0].prefill_per_token = Span::from_micros(50);
    s.deployments[0].per_output_token = DistSpec::Constant(0.01);
    let new_connection = ms(20 + 3 * 80 + 4 + 5 + 30 + 300) + Span::from_micros(50 * 100);
    let first = compare_first_byte(&s, "new connection", new_connection, options);
    // With replies every second over a connection that stays open, all but the first turn save resolution and handshake.
    // Sessions of two turns: the first costs as above, the second one round trip; compared by the least and the most.
    s.client.keep_alive = Span::from_hours(1);
    s.workloads[0].turns = crate::scenario::model::Turns::Fixed(2);
    s.workloads[0].think = DistSpec::Constant(1.0);
    let open_connection = new_connection - ms(20 + 2 * 80);
    let runs = run_world(&s, options.seed, FEW, |r| (r.groups[0].ttft.min(), r.failed()));
    let equal = runs.iter().all(|(least, failed)| *least == Some(open_connection.nanos()) && *failed == 0);
    let simulated = runs[0].0.map_or(0.0, |ns| Span(ns).as_millis_f64());
    let open = FIRST_BYTE.of_equality("open connection", open_connection.as_millis_f64(), simulated, equal, FEW);
    vec![first, open]
}

fn compare_first_byte(s: &Scenario, parameters: &str, exact: Span, options: LawOptions) -> LawResult {
    let runs = run_world(s, options.seed, FEW, |r| {
        let g = &r.groups[0].ttft;
        (g.min(), g.max(), g.mean().unwrap_or(0.0), r.failed())
    });
    let all = Some(exact.nanos());
    let equal = runs.iter().all(|(min, max, _, failed)| *min == all && *max == all && *failed == 0);
    FIRST_BYTE.of_equality(parameters, exact.as_millis_f64(), runs[0].2 * 1e-6, equal, FEW)
}

/// The bill of a load whose every request is alike, against the counted requests times what one costs, plus servers and
/// services by time: equal to the pico-dollar. Some attempts fail before they are taken in and cost nothing but the
/// prompt's way to the model.
pub fn cost(options: LawOptions) -> Vec<LawResult> {
    let dollars = |text: &str| Money::parse(text).expect("a decimal");
    let hour = Span::from_hours(1).nanos();
    let (million, gigabyte) = (1_000_000, 1_000_000_000);
    let mut s = single("billed", 5.0, Span::from_mins(10), Span::from_secs(options.pick(3_600, 36_000)));
    let two = plain(2);
    (s.places, s.place_links, s.user_links) = (two.places, two.place_links, two.user_links);
    s.deployments[0].place = RegionIx(1);
    s.deployments[0].error_rate = 0.2;
    s.deployments[0].input_price = Price::new(dollars("3"), million);
    s.deployments[0].output_price = Price::new(dollars("15"), million);
    s.workloads[0].sizes = Sizes::Fixed { input: 700, output: 150 };
    s.workloads[0].max_output_tokens = 150;
    s.topologies[0].retry.attempts_per_pool = 3;
    s.places[0].egress_internet.price = Price::new(dollars("0.09"), gigabyte);
    s.places[0].egress_to[1].price = Price::new(dollars("0.02"), gigabyte);
    let region = &mut s.topologies[0].regions[0];
    region.servers = 3;
    region.slots_per_server = 1_000;
    region.server_price = Price::new(dollars("0.096"), hour);
    region.services.push(Service {
        name: "database".to_owned(),
        price: Price::new(dollars("0.24"), hour),
        source: "plain".to_owned(),
    });
    // in pico-dollars: $3 / Mtok are 3,000,000 per token, $0.09 / GB are 90 per byte
    let seconds = u128::from(s.horizon.nanos() / 1_000_000_000);
    let by_time = (3 * 96_000_000_000 + 240_000_000_000) * seconds / 3_600;
    let expected = |r: &Record| {
        let served = u128::from(r.requests() - r.failed());
        let answer = 700 * 3_000_000 + 150 * 15_000_000 + 150 * u128::from(STREAM_BYTES_PER_TOKEN) * 90;
        let call = 700 * u128::from(TEXT_BYTES_PER_TOKEN) * 20;
        by_time + served * answer + u128::from(r.attempts) * call
    };
    let scenario = &s;
    let runs = run_world(scenario, options.seed, FEW, |r| {
        let bill = Prices::new(scenario, &scenario.topologies[0]).bill(r);
        (Money::from_pico(expected(r) as i128), bill.total())
    });
    let equal = runs.iter().all(|(expected, billed)| expected == billed);
    let (expected, billed) = runs[0];
    vec![COST.of_equality("tokens, bytes, 3 servers", expected.as_dollars_f64(), billed.as_dollars_f64(), equal, FEW)]
}
