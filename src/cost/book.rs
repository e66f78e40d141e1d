//! The price book: what can be charged, at what price, and where the price comes from.

use crate::units::{DeploymentIx, Price, RegionIx};
use std::collections::BTreeMap;
use std::fmt;

/// The kinds of tokens that providers price apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum TokenKind {
    /// Prompt tokens that were not in the provider's cache.
    Input,
    /// Prompt tokens read from the provider's cache.
    CachedInput,
    /// Prompt tokens written to the provider's cache.
    CacheWrite,
    /// Generated tokens.
    Output,
}

impl TokenKind {
    /// For a line of the bill.
    pub const fn name(self) -> &'static str {
        match self {
            TokenKind::Input => "input tokens",
            TokenKind::CachedInput => "cached input tokens",
            TokenKind::CacheWrite => "cache write tokens",
            TokenKind::Output => "output tokens",
        }
    }
}

/// What is charged: one price, one line of the bill.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum PriceKey {
    /// Tokens of a deployment. Quantity: tokens.
    Tokens {
        /// Whose tokens.
        deployment: DeploymentIx,
        /// Which kind of them.
        kind: TokenKind,
    },
    /// Replicas of a self-hosted deployment. Quantity: nanoseconds of replica time.
    Replicas {
        /// Of which deployment.
        deployment: DeploymentIx,
        /// Spot replicas in this of its zones; `None` on demand.
        zone: Option<usize>,
    },
    /// Data from a region to the public internet. Quantity: bytes.
    EgressInternet {
        /// The region that sends, and pays.
        from: RegionIx,
    },
    /// Data from a region to another. Quantity: bytes.
    EgressBetween {
        /// The region that sends, and pays.
        from: RegionIx,
        /// The region that receives.
        to: RegionIx,
    },
    /// Servers of one kind in a region. Quantity: nanoseconds of server time.
    Servers {
        /// Where.
        region: RegionIx,
        /// Which kind, for example an instance type.
        kind: String,
    },
    /// A service paid by the hour (database, load balancer, cache). Quantity: nanoseconds of service time.
    Service {
        /// Where; `None` for a global one.
        region: Option<RegionIx>,
        /// Which.
        name: String,
    },
    /// A service paid by the request (gateway, resolver). Quantity: requests.
    Requests {
        /// Where; `None` for a global one.
        region: Option<RegionIx>,
        /// Which.
        name: String,
    },
    /// Anything else, by the piece. Quantity: pieces.
    Other {
        /// Where; `None` if nowhere in particular.
        region: Option<RegionIx>,
        /// What.
        name: String,
    },
}

/// The categories of a bill.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Category {
    /// Model tokens.
    Tokens,
    /// Replicas of self-hosted models on spot instances.
    SpotReplicas,
    /// Replicas of self-hosted models on on-demand instances.
    OnDemandReplicas,
    /// Servers.
    Compute,
    /// Managed services, by the hour or by the request.
    Service,
    /// Data to the public internet.
    EgressInternet,
    /// Data between regions.
    EgressInterRegion,
    /// Anything else.
    Other,
}

impl Category {
    /// All, in the order of a bill.
    pub const ALL: [Category; 8] = [
        Category::Tokens,
        Category::SpotReplicas,
        Category::OnDemandReplicas,
        Category::Compute,
        Category::Service,
        Category::EgressInternet,
        Category::EgressInterRegion,
        Category::Other,
    ];

    /// For a line of the bill.
    pub const fn name(self) -> &'static str {
        match self {
            Category::Tokens => "tokens",
            Category::SpotReplicas => "spot replicas",
            Category::OnDemandReplicas => "on-demand replicas",
            Category::Compute => "compute",
            Category::Service => "services",
            Category::EgressInternet => "egress to the internet",
            Category::EgressInterRegion => "egress between regions",
            Category::Other => "other",
        }
    }
}

/// The whole number in which the usage of a line accumulates.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum UsageUnit {
    /// Tokens.
    Tokens,
    /// Bytes.
    Bytes,
    /// Nanoseconds (of a server or a service).
    Nanoseconds,
    /// Requests.
    Requests,
    /// Pieces.
    Pieces,
}

impl UsageUnit {
    /// A quantity in the unit that people read (million tokens, GB, hours), for display only.
    pub fn readable(self, quantity: u128) -> (f64, &'static str) {
        match self {
            UsageUnit::Tokens => (quantity as f64 / 1e6, "Mtok"),
            UsageUnit::Bytes => (quantity as f64 / 1e9, "GB"),
            UsageUnit::Nanoseconds => (quantity as f64 / 3.6e12, "h"),
            UsageUnit::Requests => (quantity as f64, "requests"),
            UsageUnit::Pieces => (quantity as f64, "pieces"),
        }
    }
}

impl PriceKey {
    /// The category of its line.
    pub const fn category(&self) -> Category {
        match self {
            PriceKey::Tokens { .. } => Category::Tokens,
            PriceKey::Replicas { zone: Some(_), .. } => Category::SpotReplicas,
            PriceKey::Replicas { zone: None, .. } => Category::OnDemandReplicas,
            PriceKey::EgressInternet { .. } => Category::EgressInternet,
            PriceKey::EgressBetween { .. } => Category::EgressInterRegion,
            PriceKey::Servers { .. } => Category::Compute,
            PriceKey::Service { .. } | PriceKey::Requests { .. } => Category::Service,
            PriceKey::Other { .. } => Category::Other,
        }
    }

    /// The unit of its usage.
    pub const fn unit(&self) -> UsageUnit {
        match self {
            PriceKey::Tokens { .. } => UsageUnit::Tokens,
            PriceKey::EgressInternet { .. } | PriceKey::EgressBetween { .. } => UsageUnit::Bytes,
            PriceKey::Servers { .. } | PriceKey::Service { .. } | PriceKey::Replicas { .. } => UsageUnit::Nanoseconds,
            PriceKey::Requests { .. } => UsageUnit::Requests,
            PriceKey::Other { .. } => UsageUnit::Pieces,
        }
    }

    /// The region it names itself: of transfers the sender. What belongs to a deployment names none; its entry does.
    const fn own_region(&self) -> Option<RegionIx> {
        match self {
            PriceKey::Tokens { .. } | PriceKey::Replicas { .. } => None,
            PriceKey::EgressInternet { from } | PriceKey::EgressBetween { from, .. } => Some(*from),
            PriceKey::Servers { region, .. } => Some(*region),
            PriceKey::Service { region, .. } | PriceKey::Requests { region, .. } | PriceKey::Other { region, .. } => {
                *region
            }
        }
    }
}

/// Where a price comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Provenance {
    /// The source: a data set, a price list, the scenario file, or `ASSUMPTION` and why.
    pub source: String,
    /// The date of the source, as it states it; empty if it states none.
    pub date: String,
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)?;
        if self.date.is_empty() { Ok(()) } else { write!(f, ", {}", self.date) }
    }
}

/// A price and what a bill says about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PriceEntry {
    /// The price, per base unit of the key's usage (tokens, bytes, nanoseconds, requests, pieces).
    pub price: Price,
    /// What the line is called: a model, an instance type, a service.
    pub service: String,
    /// Where it is used; filled in from the key for everything but what belongs to a deployment.
    pub region: Option<RegionIx>,
    /// Who sends the invoice: a cloud or a provider of models, by its name in the catalogue or scenario.
    pub provider: Option<String>,
    /// Where the price comes from.
    pub provenance: Provenance,
}

/// The index of a line: of a price in the book, of its usage in the ledger and of its line on the bill.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct LineIx(u32);

impl LineIx {
    /// The position in the book.
    #[inline]
    pub const fn ix(self) -> usize {
        self.0 as usize
    }
}

/// Why a price was not taken into the book.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BookError {
    /// The key already has a price.
    Duplicate(PriceKey),
    /// The entry is said to be in another region than its key.
    RegionMismatch(PriceKey),
}

impl fmt::Display for BookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BookError::Duplicate(key) => write!(f, "two prices for the same thing: {key:?}"),
            BookError::RegionMismatch(key) => write!(f, "the region of a price is not that of its key: {key:?}"),
        }
    }
}

impl std::error::Error for BookError {}

/// All prices of a run, in the order of registration.
#[derive(Clone, Default, Debug)]
pub struct PriceBook {
    lines: Vec<(PriceKey, PriceEntry)>,
    index: BTreeMap<PriceKey, LineIx>,
}

impl PriceBook {
    /// Without prices.
    pub fn new() -> PriceBook {
        PriceBook::default()
    }

    /// Takes a price into the book.
    ///
    /// # Errors
    /// [`BookError`] if the key has a price already, or the entry names another region than its key.
    pub fn register(&mut self, key: PriceKey, mut entry: PriceEntry) -> Result<LineIx, BookError> {
        if self.index.contains_key(&key) {
            return Err(BookError::Duplicate(key));
        }
        if !matches!(key, PriceKey::Tokens { .. } | PriceKey::Replicas { .. }) {
            if entry.region.is_some() && entry.region != key.own_region() {
                return Err(BookError::RegionMismatch(key));
            }
            entry.region = key.own_region();
        }
        let line = LineIx(u32::try_from(self.lines.len()).expect("far fewer than 2^32 prices"));
        self.index.insert(key.clone(), line);
        self.lines.push((key, entry));
        Ok(line)
    }

    /// The line of a key, if it has a price.
    pub fn line(&self, key: &PriceKey) -> Option<LineIx> {
        self.index.get(key).copied()
    }
    /// The key of a line.
    pub fn key(&self, line: LineIx) -> &PriceKey {
        &self.lines[line.ix()].0
    }
    /// The entry of a line.
    pub fn entry(&self, line: LineIx) -> &PriceEntry {
        &self.lines[line.ix()].1
    }
    /// How many prices there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }
    /// True if there are no prices.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
    /// All lines in order.
    pub fn iter(&self) -> impl Iterator<Item = (LineIx, &PriceKey, &PriceEntry)> {
        self.lines.iter().enumerate().map(|(i, (k, e))| (LineIx(i as u32), k, e))
    }
}
