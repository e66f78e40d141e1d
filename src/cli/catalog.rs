//! `geodes catalog`: a look into the shipped data.

use super::args::{Catalog, CatalogArgs};
use super::exit::Exit;
use super::output;
use crate::catalog::{self, City, CloudRegion, TokenLaw};
use crate::report::format::duration;
use crate::units::great_circle_km;
use std::fmt::Write as _;

/// Runs the command.
pub fn run(args: &CatalogArgs) -> Exit {
    let text = match &args.what {
        Catalog::Regions { filter } => Ok(regions(filter.as_deref())),
        Catalog::Cities { filter } => Ok(cities(filter.as_deref())),
        Catalog::Rtt { from, to } => rtt(from, to),
        Catalog::Prices { filter } => Ok(prices(filter.as_deref())),
        Catalog::Quotas { filter } => Ok(quotas(filter.as_deref())),
        Catalog::Traces { filter } => Ok(traces(filter.as_deref())),
        Catalog::Shapes { filter } => Ok(shapes(filter.as_deref())),
        Catalog::Fits { filter } => Ok(fits(filter.as_deref())),
        Catalog::Presets { filter } => Ok(presets(filter.as_deref())),
        Catalog::Sources => Ok(sources()),
    };
    match text {
        Ok(text) if text.is_empty() => {
            eprintln!("nothing in the catalogue matches");
            Exit::NothingToRun
        }
        Ok(text) => output::code(output::print(&text)),
        Err(message) => {
            eprintln!("error: {message}");
            Exit::Usage
        }
    }
}

/// Whether a row is wanted: any of its texts holds the filter, without regard to case.
fn wanted(filter: Option<&str>, texts: &[&str]) -> bool {
    filter.is_none_or(|f| {
        let f = f.to_lowercase();
        texts.iter().any(|t| t.to_lowercase().contains(&f))
    })
}

fn regions(filter: Option<&str>) -> String {
    let mut out = String::new();
    for r in catalog::regions().iter().filter(|r| wanted(filter, &[&r.id, &r.city, &r.country, &r.name])) {
        let _ = writeln!(out, "{:<28} {:<2} {:<20} {:>8.3} {:>9.3}", r.id, r.country, r.city, r.place.lat, r.place.lon);
    }
    out
}

fn cities(filter: Option<&str>) -> String {
    let mut out = String::new();
    for c in catalog::cities().iter().filter(|c| wanted(filter, &[&c.name, &c.country])) {
        let _ = writeln!(out, "{:<28} {:<2} {:<32} {:>11}", c.name, c.country, c.zone, c.population);
    }
    out
}

/// One end of a path.
enum End {
    Region(&'static CloudRegion),
    City(&'static City),
}

fn end(text: &str) -> Result<End, String> {
    if let Some(r) = catalog::region(text) {
        return Ok(End::Region(r));
    }
    match catalog::city(text) {
        Ok(c) => Ok(End::City(c)),
        Err(e) => match catalog::suggest_region(text) {
            Some(region) if text.contains(':') => Err(format!("unknown region `{text}`; did you mean `{region}`?")),
            _ => Err(e.to_string()),
        },
    }
}

fn rtt(from: &str, to: &str) -> Result<String, String> {
    let (a, b) = (end(from)?, end(to)?);
    Ok(match (a, b) {
        (End::Region(a), End::Region(b)) => {
            let r = catalog::rtt(a, b);
            format!("{} to {}: {:.1} ms ({})", a.id, b.id, r.ms, r.origin)
        }
        (End::City(c), End::Region(r)) | (End::Region(r), End::City(c)) => {
            let u = catalog::user_rtt(c.place, r.place);
            format!(
                "{} to {}: {:.1} ms (estimate: {:.1} ms for {:.0} km and {:.1} ms last mile)",
                c.name, r.id, u.ms, u.path_ms, u.km, u.last_mile_ms
            )
        }
        (End::City(a), End::City(b)) => {
            let km = great_circle_km(a.place, b.place);
            return Err(format!(
                "{} and {} are both cities ({km:.0} km apart); a round trip needs a region at one end",
                a.name, b.name
            ));
        }
    })
}

fn prices(filter: Option<&str>) -> String {
    let mut out = String::new();
    let usd = |p: crate::units::Price| p.cost(1_000_000).to_dollars_string(4);
    for p in catalog::token_prices().iter().filter(|p| wanted(filter, &[&p.key, &p.provider])) {
        let _ = writeln!(out, "{:<60} in ${:>9} / Mtok   out ${:>9} / Mtok", p.key, usd(p.input), usd(p.output));
    }
    out
}

fn quotas(filter: Option<&str>) -> String {
    let mut out = String::new();
    for q in catalog::quotas().iter().filter(|q| wanted(filter, &[&q.name])) {
        let _ = write!(out, "{:<56} {:>7} requests/min", q.name, q.requests_per_min);
        let limits = [("", q.tokens_per_min), ("input ", q.input_tokens_per_min), ("output ", q.output_tokens_per_min)];
        for (what, n) in limits {
            let _ = n.map_or(Ok(()), |n| write!(out, "   {n:>9} {what}tokens/min"));
        }
        let _ = writeln!(out);
    }
    out
}

fn traces(filter: Option<&str>) -> String {
    let mut out = String::new();
    for name in catalog::TRACES.into_iter().filter(|n| wanted(filter, &[n])) {
        let t = catalog::trace(name).expect("the names are those of the traces").stats();
        let _ = writeln!(
            out,
            "{name:<28} {:>6} requests in {:>6} ({:.2}/s)   in {:>6.0} tokens   out {:>4.0} tokens",
            t.requests,
            duration(Some(t.duration.as_secs_f64())),
            t.rate_per_s,
            t.input.mean,
            t.output.mean
        );
    }
    out
}

fn shapes(filter: Option<&str>) -> String {
    let mut out = String::new();
    for name in catalog::SHAPES.into_iter().filter(|n| wanted(filter, &[n])) {
        let s = catalog::rate_shape(name).expect("the names are those of the shapes");
        let (least, most) = s.weights.iter().fold((f64::MAX, 0.0_f64), |(l, m), w| (l.min(*w), m.max(*w)));
        let (period, step) = (duration(Some(s.period().as_secs_f64())), duration(Some(s.step.as_secs_f64())));
        let _ = writeln!(out, "{name:<28} {period:>6} in steps of {step}   {least:.2} to {most:.2} of the mean rate");
    }
    out
}

fn fits(filter: Option<&str>) -> String {
    let mut out = String::new();
    for f in catalog::size_fits().iter().filter(|f| wanted(filter, &[&f.name])) {
        let law = |l: &TokenLaw| format!("p50 {:.0} p95 {:.0} (mean x{:.2})", l.law.p50(), l.law.p95(), l.mean_ratio());
        let rate = f.rate_per_s.map_or(String::new(), |rate| format!("{rate:.3}/s"));
        let line = format!("{:<32} in {:<36} out {:<34} {rate}", f.name, law(&f.input), law(&f.output));
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

fn presets(filter: Option<&str>) -> String {
    let mut out = String::new();
    for p in catalog::latency_presets().iter().filter(|p| wanted(filter, &[&p.name])) {
        let _ = writeln!(
            out,
            "{:<32} first token p50 {:>5.0} p95 {:>5.0} ms   per token p50 {:>4.1} p95 {:>5.1} ms   {}",
            p.name, p.ttft_p50_ms, p.ttft_p95_ms, p.tpot_p50_ms, p.tpot_p95_ms, p.date
        );
    }
    out
}

fn sources() -> String {
    let mut out = String::new();
    for s in catalog::sources() {
        let _ = writeln!(out, "{}\n  {}\n  {}\n  {}; {}\n", s.id, s.what, s.origin, s.date, s.licence);
    }
    out
}
