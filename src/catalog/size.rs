//! Log-normal laws of prompt and answer lengths, fitted to shipped data.

use super::fit::LogNormal;
use super::table::{num, records};
use super::trace::{Summary, TRACES, trace};
use std::sync::OnceLock;

/// A log-normal law beside what it was fitted to.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct TokenLaw {
    /// The fitted law, in tokens.
    pub law: LogNormal,
    /// Mean of the data.
    pub actual_mean: f64,
    /// Median of the data.
    pub actual_p50: f64,
    /// 95th percentile of the data.
    pub actual_p95: f64,
}

impl TokenLaw {
    /// Mean of the law over mean of the data: 1 is perfect.
    pub fn mean_ratio(&self) -> f64 {
        self.law.mean() / self.actual_mean
    }
    /// 95th percentile of the law over that of the data (1 by construction where the law is fitted on it).
    pub fn p95_ratio(&self) -> f64 {
        self.law.p95() / self.actual_p95
    }
}

/// How a law was fitted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FitMethod {
    /// Through the median and the 95th percentile of the source's own summary.
    P50P95,
    /// Mean and standard deviation of the logarithms of every row.
    LogMoments,
}

/// Lengths of prompts and answers of one service.
#[derive(Clone, PartialEq, Debug)]
pub struct SizeFit {
    /// Name: a trace, or `servegen-MODEL-CLIENT`.
    pub name: String,
    /// Prompt tokens.
    pub input: TokenLaw,
    /// Answer tokens.
    pub output: TokenLaw,
    /// How.
    pub method: FitMethod,
    /// Mean request rate of a ServeGen client, requests per second, for choosing one that matters.
    pub rate_per_s: Option<f64>,
    /// Id in [`super::sources`].
    pub source: &'static str,
}

/// All fits: the two traces by both methods, then the ServeGen clients by model and rate.
pub fn size_fits() -> &'static [SizeFit] {
    static TABLE: OnceLock<Vec<SizeFit>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let clients = [
            ("m-small", "servegen-clients-m-small", include_str!("data/servegen_clients_m-small.csv")),
            ("m-mid", "servegen-clients-m-mid", include_str!("data/servegen_clients_m-mid.csv")),
            ("m-large", "servegen-clients-m-large", include_str!("data/servegen_clients_m-large.csv")),
            ("deepseek-r1", "servegen-clients-deepseek-r1", include_str!("data/servegen_clients_deepseek-r1.csv")),
        ];
        let mut fits: Vec<SizeFit> = TRACES.iter().flat_map(|name| from_trace(name)).collect();
        for (model, source, text) in clients {
            fits.extend(records(text).iter().filter(|r| !r[5].is_empty()).map(|r| from_client(model, source, r)));
        }
        fits
    })
}

/// The fit of this name: `azure-2023-code` or `mooncake-conversation` (through p50 and p95), the same with `-moments`
/// behind, or a ServeGen client such as `servegen-m-large-61` (models `m-small`, `m-mid`, `m-large`, `deepseek-r1`;
/// clients whose sizes the source has).
///
/// Lengths in both traces are capped and have several humps, so no log-normal law describes them well: the moments put
/// the mean up to 1.5 and the p95 up to 2.8 times too high, the quantile fit keeps p50 and p95 and has the mean within
/// 16 %. Draw rows of the trace where sizes matter.
pub fn size_fit(name: &str) -> Option<&'static SizeFit> {
    size_fits().iter().find(|f| f.name == name)
}

fn from_client(model: &str, source: &'static str, r: &csv::StringRecord) -> SizeFit {
    let law = |mean: usize, p50: usize, p95: usize| {
        let (actual_mean, actual_p50, actual_p95) = (num(r, mean), num(r, p50), num(r, p95));
        TokenLaw { law: LogNormal::from_p50_p95(actual_p50, actual_p95), actual_mean, actual_p50, actual_p95 }
    };
    SizeFit {
        name: format!("servegen-{model}-{}", &r[0]),
        input: law(5, 6, 7),
        output: law(9, 10, 11),
        method: FitMethod::P50P95,
        rate_per_s: Some(num(r, 1)),
        source,
    }
}

/// Both fits of a trace: through the quantiles, then by moments.
fn from_trace(name: &str) -> [SizeFit; 2] {
    let t = trace(name).expect("the names are those of the traces");
    let stats = t.stats();
    let beside = |law, s: Summary| TokenLaw { law, actual_mean: s.mean, actual_p50: s.p50, actual_p95: s.p95 };
    let through = |s: Summary| beside(LogNormal::from_p50_p95(s.p50, s.p95), s);
    let fit = |name: String, input, output, method| SizeFit {
        name,
        input,
        output,
        method,
        rate_per_s: None,
        source: t.source,
    };
    let input = LogNormal::from_values(t.rows.iter().map(|r| r.input_tokens));
    let output = LogNormal::from_values(t.rows.iter().map(|r| r.output_tokens));
    [
        fit(name.to_owned(), through(stats.input), through(stats.output), FitMethod::P50P95),
        fit(format!("{name}-moments"), beside(input, stats.input), beside(output, stats.output), FitMethod::LogMoments),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_of_the_main_scenario() {
        let f = size_fit("servegen-m-large-61").unwrap();
        assert!((f.input.law.p50() - 822.0).abs() < 1e-6 && (f.input.law.p95() - 2385.0).abs() < 1e-6);
        assert!((f.output.law.p50() - 290.0).abs() < 1e-6 && (f.output.law.p95() - 865.0).abs() < 1e-6);
        assert_eq!((f.input.actual_mean, f.output.actual_mean), (1144.5, 333.7));
        assert!((f.input.mean_ratio() - 0.886).abs() < 0.005, "{}", f.input.mean_ratio());
        assert!((f.output.mean_ratio() - 1.084).abs() < 0.005, "{}", f.output.mean_ratio());
    }

    #[test]
    fn traces_are_fitted_on_their_rows() {
        let f = size_fit("azure-2023-code-moments").unwrap();
        assert!((f.input.law.mu - 6.9986).abs() < 1e-3 && (f.input.law.sigma - 1.3603).abs() < 1e-3, "{f:?}");
        assert!((f.output.law.mu - 2.7882).abs() < 1e-3 && (f.output.law.sigma - 0.8473).abs() < 1e-3, "{f:?}");
        let f = size_fit("mooncake-conversation-moments").unwrap();
        assert!((f.input.law.mu - 8.7367).abs() < 1e-3 && (f.output.law.sigma - 1.3584).abs() < 1e-3, "{f:?}");
        assert!(f.output.mean_ratio() < 1.54 && f.output.p95_ratio() < 2.79, "the documented misfit: {f:?}");
        for name in TRACES {
            let f = size_fit(name).unwrap();
            for law in [f.input, f.output] {
                assert!((law.mean_ratio() - 1.0).abs() < 0.16, "{name}: {law:?}");
            }
        }
    }

    #[test]
    fn every_fit_is_usable() {
        // 43 + 109 + 162 + 73 clients, of which 5 + 35 + 15 have no sizes, and two traces by two methods
        assert_eq!(size_fits().len(), 336);
        for f in size_fits() {
            for law in [f.input, f.output] {
                assert!(law.law.sigma >= 0.0 && law.law.mean() >= 0.99, "{}", f.name);
                assert!(f.method == FitMethod::LogMoments || (law.p95_ratio() - 1.0).abs() < 1e-9, "{}", f.name);
            }
        }
        assert!(size_fit("servegen-m-large-142").is_none());
    }
}
