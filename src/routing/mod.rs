//! The real routing and fallback algorithms as sans-IO state machines: time and entropy are arguments, observations
//! come in, commands go out. Stands on [`crate::units`] alone, so the same types run inside a production gateway.

pub mod balance;
pub mod bifrost;
pub mod calls;
pub mod entropy;
pub mod guard;
pub mod health;
pub mod limits;
pub mod litellm;
pub mod outcome;
pub mod placement;
pub mod portkey;
pub mod reason;
pub mod request;
pub mod retry;
pub mod router;
pub mod steering;
pub mod throttle;
