//! Randomness that is **addressed, not consumed**: every draw is a pure function of (seed, replication, purpose, entity,
//! index). There is no generator whose state one more draw would shift, so two layouts of the same product see the same
//! users, sizes, think times, service noise and faults (common random numbers), and adding a region changes no other draw.
//!
//! ```
//! use geodes::random::{Draws, EntityKey, Purpose, Seed, sample};
//!
//! const THINK_TIME: Purpose = Purpose(7);
//! let draws = Draws::new(Seed { seed: 42, replication: 0 });
//! let user = EntityKey::named("berlin").child(17);
//! let think_s = sample::exponential(12.0, draws.uniform(THINK_TIME, user, 3));
//! assert_eq!(think_s, sample::exponential(12.0, draws.uniform(THINK_TIME, user, 3)));
//! ```
//!
//! Samplers take one uniform and invert the distribution function where that is possible; what needs several uniforms has
//! a [`Stream`] of its own. All of it stands on `libm` and integer arithmetic, never on the platform's mathematics, so
//! the bits are the same on every machine.
#![forbid(unsafe_code)]

mod arrivals;
mod dist;
mod draws;
pub mod gamma;
pub mod mix;
pub mod normal;
pub mod pick;
pub mod sample;
mod stream;
mod ziggurat;

pub use arrivals::{Arrivals, CumulativeRate, RateError};
pub use dist::{Dist, DistError, Empirical};
pub use draws::{Draws, EntityKey, Purpose, Seed};
pub use stream::Stream;
pub use ziggurat::ExpZiggurat;
