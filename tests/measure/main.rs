//! Properties of what is measured: histograms against exact sorting, intervals against published figures, metric names
//! and objectives against their own printing, incidents against known switches, and the page of definitions.

mod data;
mod histograms;
mod incidents;
mod intervals;
mod names;
mod objectives;
mod page;
