//! The `routing` room.
