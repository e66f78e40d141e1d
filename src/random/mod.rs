//! The `random` room.
