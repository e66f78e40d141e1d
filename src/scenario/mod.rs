//! The `scenario` room.
