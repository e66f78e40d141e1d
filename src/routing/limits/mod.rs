//! Rate limits, on the client's side or the provider's.

mod token_bucket;

pub use token_bucket::{BucketConfig, TokenBucket};
