//! Request traces: arrival time, input and output tokens, one row per request.

use super::fit::quantile;
use super::table::unpack;
use crate::units::Span;
use std::fmt;
use std::sync::OnceLock;

/// One request of a trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TraceRow {
    /// Time since the origin of the trace's clock, which is what replay puts at the start of a scenario.
    pub arrival: Span,
    /// Prompt tokens.
    pub input_tokens: u32,
    /// Generated tokens.
    pub output_tokens: u32,
}

/// A request trace in order of arrival.
#[derive(Clone, PartialEq, Debug)]
pub struct Trace {
    /// Rows, sorted by arrival. Never empty. In shipped traces the first arrives at zero; in a user's own where it says.
    pub rows: Vec<TraceRow>,
    /// Id in [`super::sources`], or `file` for a user's own.
    pub source: &'static str,
}

/// What the values of one column look like.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Summary {
    /// Arithmetic mean.
    pub mean: f64,
    /// Median.
    pub p50: f64,
    /// 95th percentile (linear interpolation).
    pub p95: f64,
    /// 99th percentile.
    pub p99: f64,
    /// Largest value.
    pub max: f64,
}

impl Summary {
    /// # Panics
    /// If there is no value.
    pub(super) fn of(values: impl Iterator<Item = f64>) -> Summary {
        let mut v: Vec<f64> = values.collect();
        v.sort_by(f64::total_cmp);
        let mean = v.iter().sum::<f64>() / v.len() as f64;
        let q = |p| quantile(&v, p);
        Summary { mean, p50: q(0.5), p95: q(0.95), p99: q(0.99), max: q(1.0) }
    }
}

/// Statistics of a trace.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct TraceStats {
    /// Number of requests.
    pub requests: usize,
    /// From the first to the last arrival.
    pub duration: Span,
    /// Requests per second over that time (0 when it is zero).
    pub rate_per_s: f64,
    /// Coefficient of variation of the times between arrivals: 1 for a Poisson process, more for bursts.
    pub gap_cv: f64,
    /// Prompt tokens.
    pub input: Summary,
    /// Generated tokens.
    pub output: Summary,
}

impl Trace {
    /// Statistics over all rows.
    pub fn stats(&self) -> TraceStats {
        let gaps: Vec<f64> =
            self.rows.windows(2).map(|w| w[1].arrival.saturating_sub(w[0].arrival).as_secs_f64()).collect();
        let duration = match (self.rows.first(), self.rows.last()) {
            (Some(first), Some(last)) => last.arrival.saturating_sub(first.arrival),
            _ => Span::ZERO,
        };
        let n = gaps.len() as f64;
        let mean = gaps.iter().sum::<f64>() / n;
        let variance = gaps.iter().map(|g| (g - mean) * (g - mean)).sum::<f64>() / n;
        TraceStats {
            requests: self.rows.len(),
            duration,
            rate_per_s: if duration == Span::ZERO { 0.0 } else { n / duration.as_secs_f64() },
            gap_cv: if mean > 0.0 { libm::sqrt(variance) / mean } else { 0.0 },
            input: Summary::of(self.rows.iter().map(|r| f64::from(r.input_tokens))),
            output: Summary::of(self.rows.iter().map(|r| f64::from(r.output_tokens))),
        }
    }
}

/// Names that [`trace`] knows.
pub const TRACES: [&str; 2] = ["azure-2023-code", "mooncake-conversation"];

/// A shipped trace, see [`TRACES`].
pub fn trace(name: &str) -> Option<&'static Trace> {
    static AZURE: OnceLock<Trace> = OnceLock::new();
    static MOONCAKE: OnceLock<Trace> = OnceLock::new();
    let read = |gz: &[u8], source| {
        let rows = parse(&unpack(gz)).expect("embedded traces are well-formed");
        Trace { rows, source }
    };
    match name {
        "azure-2023-code" => Some(
            AZURE.get_or_init(|| read(include_bytes!("data/trace_azure2023_code.csv.gz"), "trace-azure-2023-code")),
        ),
        "mooncake-conversation" => Some(MOONCAKE.get_or_init(|| {
            read(include_bytes!("data/trace_mooncake_conversation.csv.gz"), "trace-mooncake-conversation")
        })),
        _ => None,
    }
}

/// What is wrong with a user's trace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TraceFault {
    /// The file has no rows.
    Empty,
    /// The header lacks this column.
    MissingColumn(&'static str),
    /// The header has this column more than once.
    RepeatedColumn(&'static str),
    /// A row has fewer fields than the header.
    ShortRow,
    /// Not a number of seconds from 0 to 9 billion (some 285 years).
    Arrival(String),
    /// A negative number of seconds: before the origin of the clock.
    BeforeStart(String),
    /// Not a whole number of tokens (0 to 4,294,967,295).
    Tokens {
        /// The column.
        column: &'static str,
        /// What stood there.
        found: String,
    },
    /// A row arrives before the one above it.
    Unsorted,
    /// Not CSV: for example an unclosed quote or invalid UTF-8.
    Csv(String),
}

/// An error in a user's trace, with its line (1 is the header).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TraceError {
    /// Line of the file, from 1.
    pub line: u64,
    /// What is wrong there.
    pub fault: TraceFault,
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        match &self.fault {
            TraceFault::Empty => write!(f, "the trace has no rows"),
            TraceFault::MissingColumn(c) => {
                write!(f, "the header lacks the column `{c}`; expected arrival_s,input_tokens,output_tokens")
            }
            TraceFault::RepeatedColumn(c) => write!(f, "the header has the column `{c}` more than once"),
            TraceFault::ShortRow => write!(f, "fewer fields than the header has"),
            TraceFault::Arrival(t) => write!(f, "arrival_s: `{t}` is no number of seconds from 0 to {LATEST_S}"),
            TraceFault::BeforeStart(t) => {
                write!(f, "arrival_s: `{t}` is before the start; times are seconds after the start of the scenario")
            }
            TraceFault::Tokens { column, found } => write!(f, "{column}: `{found}` is no whole number of tokens"),
            TraceFault::Unsorted => write!(f, "arrives before the row above; sort the trace by arrival_s"),
            TraceFault::Csv(why) => write!(f, "not valid CSV: {why}"),
        }
    }
}

impl std::error::Error for TraceError {}

/// Reads a user's trace: CSV with a header that has the columns `arrival_s` (seconds after the start of the scenario),
/// `input_tokens` and `output_tokens` in any order, further columns ignored, rows sorted by arrival. Times are kept as
/// they are: a row at 12.5 s arrives 12.5 s after the start, whether or not it is the first.
///
/// # Errors
/// The first [`TraceError`].
pub fn load_trace(text: &str) -> Result<Trace, TraceError> {
    parse(text).map(|rows| Trace { rows, source: "file" })
}

fn parse(text: &str) -> Result<Vec<TraceRow>, TraceError> {
    const COLUMNS: [&str; 3] = ["arrival_s", "input_tokens", "output_tokens"];
    let at = |line, fault| TraceError { line, fault };
    let broken = |e: &csv::Error| at(e.position().map_or(1, csv::Position::line), TraceFault::Csv(e.to_string()));
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|e| broken(&e))?.clone();
    let mut columns = [0; 3];
    for (slot, name) in columns.iter_mut().zip(COLUMNS) {
        let mut places = header.iter().enumerate().filter(|(_, h)| *h == name).map(|(i, _)| i);
        *slot = places.next().ok_or_else(|| at(1, TraceFault::MissingColumn(name)))?;
        if places.next().is_some() {
            return Err(at(1, TraceFault::RepeatedColumn(name)));
        }
    }
    let mut rows: Vec<TraceRow> = Vec::new();
    let mut last = 0;
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(|e| broken(&e))? {
        let line = record.position().map_or(0, csv::Position::line);
        let [arrival, input, output] = columns.map(|c| record.get(c));
        let (Some(arrival), Some(input), Some(output)) = (arrival, input, output) else {
            return Err(at(line, TraceFault::ShortRow));
        };
        let nanos = offset(arrival).map_err(|fault| at(line, fault))?;
        let tokens = |column: &'static str, found: &str| {
            found.parse::<u32>().map_err(|_| at(line, TraceFault::Tokens { column, found: found.to_owned() }))
        };
        let (input_tokens, output_tokens) = (tokens(COLUMNS[1], input)?, tokens(COLUMNS[2], output)?);
        if nanos < last {
            return Err(at(line, TraceFault::Unsorted));
        }
        last = nanos;
        rows.push(TraceRow { arrival: Span::from_nanos(nanos), input_tokens, output_tokens });
    }
    if rows.is_empty() { Err(at(1, TraceFault::Empty)) } else { Ok(rows) }
}

/// Latest arrival in seconds, some 285 years. Later ones are dates in milliseconds.
const LATEST_S: u64 = 9_000_000_000;

/// Nanoseconds after the start.
fn offset(text: &str) -> Result<u64, TraceFault> {
    let wrong = || TraceFault::Arrival(text.to_owned());
    if let Some(positive) = text.strip_prefix('-') {
        // some writers print -0.0
        return match seconds(positive).ok_or_else(wrong)? {
            0 => Ok(0),
            _ => Err(TraceFault::BeforeStart(text.to_owned())),
        };
    }
    seconds(text).filter(|&ns| ns <= LATEST_S * 1_000_000_000).ok_or_else(wrong)
}

/// Nanoseconds of a decimal number of seconds, digit by digit so that no binary fraction gets in; digits beyond the
/// ninth are cut. An exponent (`1e-05`, as some writers print small numbers) goes through floating point.
fn seconds(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty()) {
        let s: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        let mut nanos: u64 = 0;
        for i in 0..9 {
            nanos = nanos * 10 + fraction.as_bytes().get(i).map_or(0, |b| u64::from(b - b'0'));
        }
        return s.checked_mul(1_000_000_000)?.checked_add(nanos);
    }
    let value: f64 = text.parse().ok()?;
    (text.contains(['e', 'E']) && (0.0..9e9).contains(&value)).then(|| Span::from_secs_f64(value).nanos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_stands_once() {
        let twice = load_trace("arrival_s,input_tokens,output_tokens,input_tokens\n0,1,2,3\n").unwrap_err();
        assert_eq!(twice, TraceError { line: 1, fault: TraceFault::RepeatedColumn("input_tokens") });
        assert!(load_trace("arrival_s,note,input_tokens,output_tokens,note\n0,a,1,2,b\n").is_ok());
    }

    #[test]
    fn the_azure_trace_has_its_published_statistics() {
        let s = trace("azure-2023-code").unwrap().stats();
        assert_eq!(s.requests, 8819);
        assert_eq!(s.input.mean.round(), 2048.0);
        assert_eq!((s.input.p50, s.input.p95.round(), s.input.max), (1469.0, 7303.0, 7437.0));
        assert_eq!(s.output.mean.round(), 28.0);
        assert_eq!((s.output.p50, s.output.p95, s.output.p99.round()), (13.0, 90.0, 251.0));
        assert!((s.rate_per_s - 2.57).abs() < 0.005, "{}", s.rate_per_s);
        assert!((s.gap_cv - 13.2).abs() < 0.05, "{}", s.gap_cv);
        assert!((s.duration.as_secs_f64() / 60.0 - 57.3).abs() < 0.05);
    }

    #[test]
    fn the_mooncake_trace_has_its_published_statistics() {
        let s = trace("mooncake-conversation").unwrap().stats();
        assert_eq!(s.requests, 12_031);
        assert_eq!((s.input.mean.round(), s.input.p50), (12_035.0, 6909.0));
        assert!((s.input.p95 - 39_550.5).abs() < 1.0, "{}", s.input.p95);
        assert_eq!((s.output.mean.round(), s.output.p95.round()), (343.0, 698.0));
        assert!(trace("nonesuch").is_none());
        assert!(TRACES.iter().all(|t| trace(t).is_some()));
    }

    #[test]
    fn a_users_trace() {
        let t =
            load_trace("id,output_tokens,input_tokens,arrival_s\na,5,10,100.25\nb,6,11,100.2500000019\nc,7,12,1e2\n");
        assert_eq!(t.unwrap_err(), TraceError { line: 4, fault: TraceFault::Unsorted });
        let t = load_trace("id,output_tokens,input_tokens,arrival_s\r\na,5,10,100.25\r\n\r\nb,6,11,100.2500000019\r\n");
        let rows = t.unwrap().rows;
        assert_eq!(rows[0], TraceRow { arrival: Span::from_millis(100_250), input_tokens: 10, output_tokens: 5 });
        assert_eq!(rows[1].arrival, Span::from_nanos(100_250_000_001), "digits beyond the ninth are cut");
    }

    #[test]
    fn times_are_kept_and_statistics_are_of_the_time_between() {
        let t = load_trace("arrival_s,input_tokens,output_tokens\n12.5,1,1\n14.5,1,1\n").unwrap();
        assert_eq!(t.rows[0].arrival, Span::from_millis(12_500));
        assert_eq!((t.stats().duration, t.stats().rate_per_s), (Span::from_secs(2), 0.5));
        let t = load_trace("arrival_s,input_tokens,output_tokens\n-0.0,1,1\n").unwrap();
        assert_eq!(t.rows[0].arrival, Span::ZERO);
        assert!(
            TRACES.iter().all(|name| trace(name).unwrap().rows[0].arrival == Span::ZERO),
            "shipped ones begin at 0"
        );
    }

    #[test]
    fn faults_name_their_line() {
        let fault = |text: &str| {
            let e = load_trace(text).unwrap_err();
            (e.line, e.to_string())
        };
        assert_eq!(fault("").0, 1);
        assert_eq!(fault("arrival_s,input_tokens,output_tokens\n").1, "line 1: the trace has no rows");
        assert!(fault("arrival,input_tokens,output_tokens\n0,1,1\n").1.contains("`arrival_s`"));
        let head = "arrival_s,input_tokens,output_tokens\n0,1,1\n";
        for (row, expected) in [
            ("x,1,1", "arrival_s: `x`"),
            ("-1,1,1", "arrival_s: `-1` is before the start"),
            ("-x,1,1", "arrival_s: `-x` is no number of seconds"),
            ("1700000000000,1,1", "is no number of seconds from 0 to 9000000000"),
            ("nan,1,1", "arrival_s: `nan`"),
            ("1e300,1,1", "arrival_s: `1e300`"),
            ("99999999999999999999,1,1", "arrival_s"),
            (".,1,1", "arrival_s: `.`"),
            ("1,-3,1", "input_tokens: `-3`"),
            ("1,3,1.5", "output_tokens: `1.5`"),
            ("1,3", "fewer fields"),
        ] {
            let (line, message) = fault(&format!("{head}{row}\n"));
            assert_eq!(line, 3, "{row}");
            assert!(message.contains(expected), "{row}: {message}");
        }
    }
}
