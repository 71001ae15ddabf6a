//! decide

pub mod hours;
pub mod priority;
