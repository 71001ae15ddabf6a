//! Deadlines: spans over a calendar.
