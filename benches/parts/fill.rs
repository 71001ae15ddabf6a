//! A store that was used for years: tickets, their people, messages, references, sent mail and ledger
//! rows, made by the database itself. Their sealed columns are noise: no one opens them here.

use std::path::Path;

use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

/// Ids of made rows are `kind || number`, behind those of the newest real ticket.
const STATEMENTS: [&str; 9] = [
    "INSERT INTO ticket (id, number, version, desk, state, state_at, close_reason, priority, category, language, subject,
        restricted, imported, opened_at, due_at, last_public, bounced, grade, thread)
     SELECT ID, last + n, 3, 'tuotempo', CASE n % 10 WHEN 0 THEN 'open' ELSE 'closed' END,
        CASE n % 10 WHEN 0 THEN NULL ELSE at + n END, CASE n % 10 WHEN 0 THEN NULL ELSE 'agent' END, 'medium',
        'incident', 'it', 'Domanda ' || n, 0, 0, at - n * 1000000, NULL, 'customer', 0, 'none', randomblob(200)
     FROM made, known",
    "INSERT INTO participant (ticket, no, key, role, sealed)
     SELECT ID, 1, randomblob(16), 'requester', randomblob(110) FROM made, known",
    "INSERT INTO article (id, ticket, seq, direction, kind, class, at, grade, text, elided, flags, sealed, erased)
     SELECT randomblob(16), ID, 1, 'in', 'public', 'human', at - n * 1000000, 'none', hex(randomblob(300)), '', '',
        randomblob(150), 0 FROM made, known",
    "INSERT INTO article (id, ticket, seq, direction, kind, class, at, grade, text, elided, flags, sealed, erased)
     SELECT randomblob(16), ID, 2, 'in', 'public', 'human', at - n * 1000000, 'none', hex(randomblob(300)), '', '',
        randomblob(150), 0 FROM made, known",
    "INSERT INTO message_ref (key, ticket) SELECT randomblob(16), ID FROM made, known, (VALUES (1), (2), (3))",
    "INSERT INTO outbox (id, ticket, participant, desk, kind, automatic, governed, state, recipient_key, message_key,
        sealed, bytes, created_at, attempts, sent_at, bounced)
     SELECT randomblob(16), ID, 1, 'tuotempo', 'received', 1, 1, 'sent', randomblob(16), randomblob(16), randomblob(150),
        randomblob(800), at - n * 1000000, 1, at - n * 1000000, 0 FROM made, known",
    "INSERT INTO ledger (id, account, folder, uidvalidity, uid, arrived_at, noted_at, sha256, size, history, released,
        state, state_at, action, attempts, run, desk, ticket, content_key, message_key, from_key, tidy)
     SELECT randomblob(16), 'support0', 'INBOX', 1, n, at - n * 1000000, at - n * 1000000, randomblob(32), 40000, 0, 0,
        'committed', at, 'new', 0, randomblob(16), 'tuotempo', ID, randomblob(16), randomblob(16), randomblob(16), 'done'
     FROM made, known",
    "UPDATE counter SET value = value + $1 WHERE name = 'ticket'",
    "ANALYZE",
];

/// Puts so many tickets behind the one that is there.
pub fn tickets(file: &Path, count: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        sqlx::any::install_default_drivers();
        let url = format!("sqlite://{}?mode=rw", file.display());
        let mut on = sqlx::AnyConnection::connect(&url).await.unwrap();
        on.execute("BEGIN").await.unwrap();
        on.execute(
            "CREATE TEMP TABLE known AS SELECT max(number) AS last, max(opened_at) AS at,
                substr(max(id), 1, 6) AS head FROM ticket",
        )
        .await
        .unwrap();
        for statement in STATEMENTS {
            let made = "WITH RECURSIVE made (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM made WHERE n < ";
            let id = "(head || X'7fffffffff' || unhex(printf('%010x', n)))";
            let statement = statement.replace("ID", &format!("CAST({id} AS BLOB)"));
            let statement = statement.replace("$1", &count.to_string());
            let sql = if statement.starts_with("INSERT") {
                statement.replacen("SELECT", &format!("{made}{count}) SELECT"), 1)
            } else {
                statement
            };
            sqlx::query(AssertSqlSafe(sql)).execute(&mut on).await.unwrap();
        }
        on.execute("COMMIT").await.unwrap();
        on.close().await.unwrap();
    });
}
