//! A scenario file becomes a validated scenario, or diagnostics with line and column.
//!
//! The way of a file: [`load`] reads it (size, UTF-8), `decode` turns the spanned TOML tree into the raw types of `raw`
//! (strict, collecting every error), `extends` merges what inherits, `validate` resolves names, units and defaults into
//! the [`model`] that the world runs from.

mod decode;
mod defaults;
mod definitions;
pub mod diagnostic;
mod extends;
pub mod import;
mod load;
pub mod model;
mod plain;
mod raw;
mod reference;
mod render;
mod schema;
mod starter;
mod suggest;
mod syntax;
mod validate;

pub use load::{LARGEST_FILE, LoadError, Loaded, from_str, load};
pub use plain::{plain, plain_region};
pub use reference::reference;
pub use schema::schema;
pub use starter::starter;
pub use suggest::did_you_mean;
pub use validate::{TooLarge, check_size};
