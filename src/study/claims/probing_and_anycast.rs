//! Claim 22: clients that measure, name services that guess, and routes that follow an outage.

use super::figures::{Figures, Runs};
use super::{Claim, ClaimError, Expected, Finding, Verdict};

const PRODUCT: &str = "22-probing-and-anycast.toml";
const NETWORK: &str = "22-network-probes.toml";
const ASSUMPTION: &str = "clients time the network and not the model, and seldom try another region";
/// What is hardly worth a probe, in milliseconds of the mean time to first token.
const HARDLY_WORTH: f64 = 50.0;

pub(super) const CLAIM: Claim = Claim {
    number: 22,
    claim: "Client probing is more accurate than GeoDNS but seldom worth it; anycast fails over faster than DNS.",
    published: "no figures: more accurate, seldom worth it, faster",
    tolerance: "More accurate: fewer turns outside the nearest region. Seldom worth it: it saves under 50 ms of the mean \
                time to first token. Faster: half and 99 % of the users have moved earlier.",
    scenarios: &[PRODUCT, NETWORK],
    expected: Expected::Under(ASSUMPTION),
    evaluate,
};

fn evaluate(runs: &Runs) -> Result<Finding, ClaimError> {
    let mut figures = Figures::default();
    let mut get = |file: &str, topology: &str, metric: &str| -> Result<f64, ClaimError> {
        let value = runs.of(file).metric(topology, metric)?;
        let kind = if file == NETWORK { "network" } else { "product" };
        let name = metric.split('{').next().unwrap_or(metric);
        Ok(figures.put(format!("{name}.{topology}.{kind}"), value))
    };
    let mut both = |topology: &str, metric: &str| -> Result<(f64, f64), ClaimError> {
        Ok((get(NETWORK, topology, metric)?, get(PRODUCT, topology, metric)?))
    };
    let (dns_off, dns_off_model) = both("geo-dns", "cross_region_share")?;
    let (seldom_off, seldom_off_model) = both("probing-seldom", "cross_region_share")?;
    let (_, often_off_model) = both("probing", "cross_region_share")?;
    let (dns_ms, dns_ms_model) = both("geo-dns", "ttft_ms.mean")?;
    let (seldom_ms, seldom_ms_model) = both("probing-seldom", "ttft_ms.mean")?;
    let (often_ms, often_ms_model) = both("probing", "ttft_ms.mean")?;
    let mut moved =
        |topology: &str, metric: &str| get(PRODUCT, topology, &format!("incident.{metric}{{incident=ireland down}}"));
    let (dns_half, dns_99) = (moved("geo-dns", "moved_half_s")?, moved("geo-dns", "moved_99_s")?);
    let (any_half, any_99) = (moved("anycast", "moved_half_s")?, moved("anycast", "moved_99_s")?);
    let accurate = seldom_off < dns_off;
    let accurate_with_a_model = seldom_off_model < dns_off_model && often_off_model < dns_off_model;
    let saved = dns_ms - seldom_ms;
    let seldom_worth = saved < HARDLY_WORTH;
    let faster = any_half < dns_half && any_99 < dns_99;
    let verdict = match (accurate && seldom_worth && faster, accurate_with_a_model) {
        (true, true) => Verdict::Reproduced,
        (true, false) => Verdict::ReproducedUnder(ASSUMPTION.to_owned()),
        (false, _) => Verdict::Refuted,
    };
    let percent = |x: f64| 100.0 * x;
    Ok(Finding {
        ours: format!(
            "outside the nearest region: {:.1} % of the turns by GeoDNS, {:.1} % by probes of the network, which saves \
             {saved:.0} ms; {:.1} and {:.1} % where what is timed is a model's answer; a dead region loses half of its \
             users after {any_half:.0} s by anycast and {dns_half:.0} s by DNS, 99 % after {any_99:.0} and {dns_99:.0} s",
            percent(dns_off),
            percent(seldom_off),
            percent(dns_off_model),
            percent(seldom_off_model),
        ),
        verdict,
        explanation: format!(
            "GeoDNS errs where a resolver stands elsewhere (one in ten here). Clients that try another region for one turn \
             in a hundred find the nearest one when the network is all that takes time: {seldom_ms:.0} against {dns_ms:.0} \
             ms. To try one turn in twenty costs more than it finds ({often_ms:.0} ms). A model's first token varies by \
             hundreds of milliseconds and hides the distance: then probing is slower than GeoDNS on average, \
             {seldom_ms_model:.0} and {often_ms_model:.0} against {dns_ms_model:.0} ms, outage included. After detection \
             DNS waits for records to run out, anycast for routes to converge."
        ),
        figures: figures.0,
    })
}
