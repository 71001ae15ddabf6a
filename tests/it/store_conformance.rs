//! What the store promises, on SQLite and on PostgreSQL alike: one suite, each case on a fresh
//! database of its own.

mod cases_custody;
mod cases_ledger;
mod cases_outbox;
mod cases_privacy;
mod cases_tickets;
mod sqlite_only;
mod world;

use std::path::PathBuf;

use super::harness::{Postgres, Scratch};
use world::World;

/// Where the fresh databases come from.
enum Databases {
    Sqlite(Scratch),
    Postgres(Postgres),
}

impl Databases {
    fn fresh(&self, name: &str) -> String {
        match self {
            Self::Sqlite(scratch) => format!("sqlite:{}/{name}/store.db", scratch.text()),
            Self::Postgres(cluster) => cluster.database(),
        }
    }
    fn folder(&self) -> PathBuf {
        match self {
            Self::Sqlite(scratch) => scratch.path().to_owned(),
            Self::Postgres(cluster) => cluster.folder().to_owned(),
        }
    }
}

macro_rules! run {
    ($databases:expr, $($room:ident :: $case:ident),* $(,)?) => {
        $({
            eprintln!("  {}", stringify!($case));
            let world = World::open(&$databases.fresh(stringify!($case)), $databases.folder()).await;
            $room::$case(&world).await;
            world.store.close().await;
        })*
    };
}

async fn suite(databases: &Databases) {
    run!(
        databases,
        cases_ledger::l09_two_pollers_make_one_row,
        cases_ledger::l10_a_batch_is_durable_as_a_whole,
        cases_ledger::l03_a_gap_waits_and_is_filled,
        cases_ledger::l28_a_large_original_lies_in_pieces,
        cases_ledger::l25_rows_of_a_dead_run_are_replayed,
        cases_ledger::l30_a_new_uidvalidity_starts_over,
        cases_ledger::l15_the_border_of_history_is_kept,
        cases_ledger::local_folders_number_their_mails,
        cases_ledger::l13_what_lies_on_the_server_is_remembered,
        cases_ledger::a_lost_lease_changes_nothing,
        cases_ledger::l07_every_mail_is_in_the_balance,
        cases_ledger::quarantine_holds_and_lets_go,
        cases_tickets::a_new_mail_takes_few_statements,
        cases_tickets::what_is_foreseen_is_what_is_true,
        cases_tickets::a_batch_may_change_a_ticket_more_than_once,
        cases_tickets::numbers_have_no_gaps_after_a_rollback,
        cases_tickets::one_message_fails_and_the_others_commit,
        cases_tickets::l18_an_empty_key_matches_nothing,
        cases_tickets::l05_a_missing_message_id_loses_nothing,
        cases_tickets::candidates_stand_in_the_decided_order,
        cases_tickets::a_merged_ticket_leads_to_its_survivor,
        cases_tickets::a_changed_ticket_is_a_conflict,
        cases_tickets::l06_content_repeats_within_an_account,
        cases_tickets::l11_copies_of_other_accounts_are_told,
        cases_tickets::a_ticket_is_shown_as_the_contract_says,
        cases_tickets::everything_of_a_ticket_comes_back,
        cases_outbox::a_claim_is_a_lease,
        cases_outbox::two_claimers_share_no_row,
        cases_outbox::l29_results_and_pauses,
        cases_outbox::the_governor_counts_what_was_sent,
        cases_outbox::l32_an_accepted_answer_makes_the_ticket_due,
        cases_outbox::l32_what_stands_against_closing,
        cases_outbox::a_bounce_finds_its_row,
        cases_privacy::the_chain_shows_every_change,
        cases_privacy::the_database_knows_no_one,
        cases_privacy::l12_erased_mail_does_not_come_back,
        cases_privacy::a_reveal_leaves_a_trace,
        cases_privacy::time_does_not_run_back,
        cases_custody::a_legal_hold_stops_every_erasure,
        cases_custody::retention_ends_originals_and_then_tickets,
        cases_custody::l12_nobody_is_left_in_an_erased_ticket,
        cases_custody::an_opening_lasts_as_long_as_its_reason,
        cases_custody::a_new_key_takes_over_every_value,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn store_on_sqlite() {
    suite(&Databases::Sqlite(Scratch::new("store"))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn store_on_postgres() {
    if let Some(cluster) = Postgres::start() {
        suite(&Databases::Postgres(cluster)).await;
    }
}
