//! Everything that needs real servers or a whole program, in one binary.

#[cfg(test)]
mod absence;
#[cfg(test)]
mod app;
#[cfg(test)]
mod custody;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod drain;
#[cfg(test)]
mod due_reckoning;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod faults_books;
#[cfg(test)]
mod faults_servers;
#[cfg(test)]
mod faults_stores;
#[cfg(test)]
mod faults_support;
#[cfg(test)]
mod gateways;
#[cfg(test)]
mod gateways_conflicts;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod imap_dovecot;
#[cfg(test)]
mod imap_scripted;
#[cfg(test)]
mod imap_tls;
#[cfg(test)]
mod journey;
#[cfg(test)]
mod journey_readme;
#[cfg(test)]
mod journey_walkthroughs;
#[cfg(test)]
mod journey_world;
#[cfg(test)]
mod lessons_duplicates;
#[cfg(test)]
mod lessons_loops;
#[cfg(test)]
mod lessons_losing;
#[cfg(test)]
mod lessons_orders;
#[cfg(test)]
mod lessons_providers;
#[cfg(test)]
mod lessons_servers;
#[cfg(test)]
mod lessons_support;
#[cfg(test)]
mod lessons_wrong_ticket;
#[cfg(test)]
mod loops;
#[cfg(test)]
mod loops_robots;
#[cfg(all(test, feature = "fault-injection"))]
mod poison;
#[cfg(all(test, not(feature = "fault-injection")))]
mod poison_off;
#[cfg(test)]
mod policy;
#[cfg(test)]
mod policy_reload;
#[cfg(test)]
mod report;
#[cfg(test)]
mod smtp_postfix;
#[cfg(test)]
mod smtp_relay;
#[cfg(test)]
mod store_conformance;
#[cfg(test)]
mod torture;
#[cfg(test)]
mod torture_support;
