//! A recorded sequence, read strictly: what is missing, of the wrong type or unknown is an error that names it.

use geodes::routing::outcome::ErrorClass;
use geodes::scenario::import::{Entry, Node, Value as Tree};
use serde_json::{Map, Value};

/// A file.
pub enum File {
    /// The check of the generator.
    Generator(Map<String, Value>),
    /// Ten thousand picks without traffic.
    Picks(Picks),
    /// A sequence of requests.
    Sequence(Box<Sequence>),
}

/// Picks without traffic.
pub struct Picks {
    pub seed: u64,
    pub deployments: Node,
    pub router: Option<Node>,
    pub picks: String,
    pub counts: Vec<(String, u64)>,
    pub first: Vec<Draw>,
}

/// A sequence of requests.
pub struct Sequence {
    pub seed: u64,
    pub epoch_s: u64,
    pub deployments: Node,
    pub router: Option<Node>,
    /// All attempts of a request share one logging object.
    pub proxy: bool,
    pub requests: Vec<Request>,
    pub attempts: Vec<Attempt>,
    pub cooldowns: Vec<Cooldown>,
    pub sleeps: Vec<Sleep>,
    pub tape: Vec<Draw>,
}

/// A request and what became of it.
pub struct Request {
    pub i: u64,
    pub t: f64,
    pub group: String,
    pub kwargs: Option<Node>,
    pub kwargs_text: String,
    pub end: End,
}

/// How a request ended.
#[derive(Clone, PartialEq, Debug)]
pub struct End {
    pub t_done: f64,
    /// `ok`, or the name of the exception.
    pub outcome: String,
    pub deployment: Option<String>,
    pub status: Option<u64>,
    pub failed_deployment: Option<String>,
    pub attempted_retries: Option<u64>,
    pub attempted_fallbacks: Option<u64>,
}

/// A call to a deployment.
pub struct Attempt {
    pub t: f64,
    pub deployment: String,
    /// `None`: a complete answer.
    pub error: Option<ErrorClass>,
    pub latency_s: f64,
    pub ttft_s: Option<f64>,
    pub stream: bool,
    pub completion_tokens: u32,
    pub total_tokens: Option<u32>,
    pub retry_after_s: Option<f64>,
    pub no_usage: bool,
}

/// A deployment was taken out.
#[derive(Clone, PartialEq, Debug)]
pub struct Cooldown {
    pub t: f64,
    pub deployment: String,
    pub status: u64,
    pub cooldown_s: f64,
}

/// A pause before a retry.
#[derive(Clone, PartialEq, Debug)]
pub struct Sleep {
    pub t: f64,
    pub sleep_s: f64,
}

/// A random draw.
#[derive(Clone, PartialEq, Debug)]
pub enum Draw {
    Choice { candidates: Vec<String>, picked: String },
    Choices { candidates: Vec<String>, weights: Vec<f64>, u: f64, picked: String },
    Sample { population: Vec<String>, order: Vec<String> },
    Random { u: f64 },
}

/// An object whose keys have to be accounted for.
struct Fields<'a> {
    map: &'a Map<String, Value>,
    path: String,
    taken: Vec<&'a str>,
}

type Result<T> = std::result::Result<T, String>;

impl<'a> Fields<'a> {
    fn new(value: &'a Value, path: &str) -> Result<Fields<'a>> {
        let map = value.as_object().ok_or_else(|| format!("{path} is no object"))?;
        Ok(Fields { map, path: path.to_owned(), taken: Vec::new() })
    }

    fn maybe(&mut self, key: &'a str) -> Option<&'a Value> {
        self.taken.push(key);
        self.map.get(key).filter(|v| !v.is_null())
    }

    fn get(&mut self, key: &'a str) -> Result<&'a Value> {
        let path = self.path.clone();
        self.maybe(key).ok_or_else(|| format!("{path} has no `{key}`"))
    }

    fn wrong(&self, key: &str, what: &str) -> String {
        format!("{}.{key} is not {what}", self.path)
    }

    fn number(&mut self, key: &'a str) -> Result<f64> {
        let v = self.get(key)?;
        v.as_f64().ok_or_else(|| self.wrong(key, "a number"))
    }

    fn maybe_number(&mut self, key: &'a str) -> Result<Option<f64>> {
        self.maybe(key).map(|v| v.as_f64().ok_or_else(|| self.wrong(key, "a number"))).transpose()
    }

    fn maybe_whole(&mut self, key: &'a str) -> Result<Option<u64>> {
        self.maybe(key).map(|v| v.as_u64().ok_or_else(|| self.wrong(key, "a whole number"))).transpose()
    }

    fn whole(&mut self, key: &'a str) -> Result<u64> {
        let v = self.get(key)?;
        v.as_u64().ok_or_else(|| self.wrong(key, "a whole number"))
    }

    fn text(&mut self, key: &'a str) -> Result<String> {
        let v = self.get(key)?;
        v.as_str().map(str::to_owned).ok_or_else(|| self.wrong(key, "a text"))
    }

    fn maybe_text(&mut self, key: &'a str) -> Result<Option<String>> {
        self.maybe(key).map(|v| v.as_str().map(str::to_owned).ok_or_else(|| self.wrong(key, "a text"))).transpose()
    }

    fn texts(&mut self, key: &'a str) -> Result<Vec<String>> {
        let list = self.list(key)?;
        let one = |v: &Value| v.as_str().map(str::to_owned).ok_or_else(|| self.wrong(key, "a list of texts"));
        list.iter().map(one).collect()
    }

    fn list(&mut self, key: &'a str) -> Result<&'a [Value]> {
        let v = self.get(key)?;
        v.as_array().map(Vec::as_slice).ok_or_else(|| self.wrong(key, "a list"))
    }

    /// Every entry of a list, read by `f`.
    fn each<T>(&mut self, key: &'a str, f: impl Fn(&'a Value, &str) -> Result<T>) -> Result<Vec<T>> {
        let path = self.path.clone();
        self.list(key)?.iter().enumerate().map(|(i, v)| f(v, &format!("{path}.{key}[{i}]"))).collect()
    }

    fn done(self) -> Result<()> {
        match self.map.keys().find(|k| !self.taken.contains(&k.as_str())) {
            Some(unknown) => Err(format!("{} has an unknown field `{unknown}`", self.path)),
            None => Ok(()),
        }
    }
}

/// A JSON value as the importer's tree.
pub fn tree(value: &Value) -> Node {
    Node::of(match value {
        Value::Null => Tree::Null,
        Value::Bool(b) => Tree::Bool(*b),
        Value::Number(n) => n.as_i64().map_or_else(|| Tree::Float(n.as_f64().unwrap_or(f64::NAN)), Tree::Int),
        Value::String(s) => Tree::Str(s.clone()),
        Value::Array(list) => Tree::Seq(list.iter().map(tree).collect()),
        Value::Object(map) => {
            let entry = |(key, v): (&String, &Value)| {
                let node = tree(v);
                Entry { key: key.clone(), loc: node.loc, line: 0, node, again: false }
            };
            Tree::Map(map.iter().map(entry).collect())
        }
    })
}

/// Reads a file.
pub fn parse(text: &str) -> Result<File> {
    let value: Value = serde_json::from_str(text).map_err(|e| format!("no valid JSON: {e}"))?;
    let map = value.as_object().ok_or("the file holds no object")?;
    if map.contains_key("getrandbits_32") {
        return Ok(File::Generator(map.clone()));
    }
    let mut f = Fields::new(&value, "file")?;
    for comment in ["name", "doc", "litellm_version", "rng", "n", "n_requests"] {
        f.maybe(comment);
    }
    if let Some(version) = f.maybe_text("litellm_version")?
        && version != "1.106.2"
    {
        return Err(format!("recorded from LiteLLM {version}, this router follows 1.106.2"));
    }
    let seed = f.maybe_whole("seed")?.unwrap_or(42);
    let deployments = tree(f.get("deployments")?);
    let router = f.maybe("router").map(tree);
    if map.contains_key("picks") {
        let counts = f.get("counts")?.as_object().ok_or("file.counts is no object")?;
        let counts =
            counts.iter().map(|(k, v)| Ok((k.clone(), v.as_u64().ok_or("file.counts holds no whole number")?)));
        let picks = Picks {
            seed,
            deployments,
            router,
            picks: f.text("picks")?,
            counts: counts.collect::<Result<_>>()?,
            first: f.each("first_20_draws", draw)?,
        };
        f.done()?;
        return Ok(File::Picks(picks));
    }
    let epoch = f.text("epoch_utc")?;
    let epoch: jiff::Timestamp = epoch.parse().map_err(|_| format!("file.epoch_utc: `{epoch}` is no time"))?;
    let mut proxy = match f.maybe_text("mode")?.as_deref() {
        None | Some("sdk") => false,
        Some("proxy") => true,
        Some(other) => return Err(format!("file.mode: `{other}` is neither sdk nor proxy")),
    };
    let requests = f.each("results", request)?;
    // one logging object for all attempts of a request is how the proxy calls the router
    proxy |= requests.iter().any(|r| r.kwargs.as_ref().is_some_and(|k| k.get("litellm_logging_obj").is_some()));
    let sequence = Sequence {
        seed,
        epoch_s: u64::try_from(epoch.as_second()).map_err(|_| "file.epoch_utc lies before 1970".to_owned())?,
        deployments,
        router,
        proxy,
        requests,
        attempts: f.each("attempts", attempt)?,
        cooldowns: f.each("cooldowns", cooldown)?,
        sleeps: f.each("retry_sleeps", sleep)?,
        tape: f.each("rng_tape", draw)?,
    };
    f.done()?;
    Ok(File::Sequence(Box::new(sequence)))
}

fn request(value: &Value, path: &str) -> Result<Request> {
    let mut f = Fields::new(value, path)?;
    f.maybe("message_head");
    let kwargs = f.maybe("kwargs");
    let r = Request {
        i: f.whole("i")?,
        t: f.number("t")?,
        group: f.text("group")?,
        kwargs: kwargs.map(tree),
        kwargs_text: kwargs.map(Value::to_string).unwrap_or_default(),
        end: End {
            t_done: f.number("t_done")?,
            outcome: f.text("outcome")?,
            deployment: f.maybe_text("deployment")?,
            status: f.maybe_whole("status")?,
            failed_deployment: f.maybe_text("failed_deployment")?,
            attempted_retries: f.maybe_whole("attempted_retries")?,
            attempted_fallbacks: f.maybe_whole("attempted_fallbacks")?,
        },
    };
    f.done()?;
    Ok(r)
}

fn attempt(value: &Value, path: &str) -> Result<Attempt> {
    let mut f = Fields::new(value, path)?;
    let outcome = f.text("outcome")?;
    let error = match outcome.as_str() {
        "ok" => None,
        "ctx" => Some(ErrorClass::ContextWindow),
        "content" => Some(ErrorClass::ContentPolicy),
        "conn" => Some(ErrorClass::ConnectionFailed),
        "408" => Some(ErrorClass::Timeout),
        other => match ErrorClass::from_name(other) {
            Some(class) => Some(class),
            None => return Err(format!("{path}.outcome: `{other}` is no outcome that is known here")),
        },
    };
    let tokens = |n: Option<u64>| n.map(|n| u32::try_from(n).unwrap_or(u32::MAX));
    let a = Attempt {
        t: f.number("t")?,
        deployment: f.text("deployment")?,
        error,
        latency_s: f.number("latency_s")?,
        ttft_s: f.maybe_number("ttft_s")?,
        stream: f.maybe("stream").and_then(Value::as_bool).unwrap_or(false),
        completion_tokens: tokens(f.maybe_whole("completion_tokens")?).unwrap_or(0),
        total_tokens: tokens(f.maybe_whole("total_tokens")?),
        retry_after_s: f.maybe_number("retry_after")?,
        no_usage: f.maybe("no_usage").and_then(Value::as_bool).unwrap_or(false),
    };
    f.done()?;
    Ok(a)
}

fn cooldown(value: &Value, path: &str) -> Result<Cooldown> {
    let mut f = Fields::new(value, path)?;
    let c = Cooldown {
        t: f.number("t")?,
        deployment: f.text("deployment")?,
        status: f.whole("status")?,
        cooldown_s: f.number("cooldown_s")?,
    };
    f.done()?;
    Ok(c)
}

fn sleep(value: &Value, path: &str) -> Result<Sleep> {
    let mut f = Fields::new(value, path)?;
    let s = Sleep { t: f.number("t")?, sleep_s: f.number("sleep_s")? };
    f.done()?;
    Ok(s)
}

fn draw(value: &Value, path: &str) -> Result<Draw> {
    let mut f = Fields::new(value, path)?;
    f.maybe("use");
    f.maybe("n");
    let d = match f.text("fn")?.as_str() {
        "choice" => Draw::Choice { candidates: f.texts("candidates")?, picked: f.text("picked")? },
        "choices" => {
            let weights = f.each("weights", |v, p| v.as_f64().ok_or_else(|| format!("{p} is no number")))?;
            Draw::Choices { candidates: f.texts("candidates")?, weights, u: f.number("u")?, picked: f.text("picked")? }
        }
        "sample" => Draw::Sample { population: f.texts("population")?, order: f.texts("order")? },
        "random" => Draw::Random { u: f.number("u")? },
        other => return Err(format!("{path}.fn: `{other}` is no draw that is known here")),
    };
    f.done()?;
    Ok(d)
}
