//! Decision tables, by what they decide.

mod agents;
mod breach;
mod clocks;
mod closing;
mod commands;
mod desks;
mod joining;
mod properties;
mod responding;
mod routing;
mod threading;
