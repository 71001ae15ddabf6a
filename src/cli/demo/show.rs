//! What the demo shows at its end: the tickets, each thread a line a message, the mails that were
//! sent or held back, and the conservation line.

use std::path::Path;

use crate::store::{OutboxFilter, TicketFilter, TicketView};

use super::super::exit::Stop;
use super::super::office::Office;
use super::super::out::Out;
use super::mailroom::Mailroom;

/// Longest text of a thread line.
const WIDTH: usize = 72;

/// Everything, in the order in which a person reads it.
pub async fn all(out: &mut Out, office: &Office, room: &Mailroom, dir: &Path) -> Result<(), Stop> {
    let store = &office.store;
    let mut tickets =
        store.ticket_list(&TicketFilter { limit: 1000, ..TicketFilter::default() }, false).await?;
    tickets.sort_by_key(|ticket| ticket.number);
    out.line("TICKETS\n")?;
    let rows: Vec<Vec<String>> = tickets
        .iter()
        .map(|t| {
            vec![
                t.number.to_string(),
                t.desk.clone(),
                t.state.clone(),
                t.priority.clone(),
                t.requester.clone().unwrap_or_default(),
                t.subject.clone(),
                t.message_count.to_string(),
                t.due.map_or(String::new(), |at| at.format("%m-%d %H:%MZ").to_string()),
            ]
        })
        .collect();
    out.table(
        &["#", "desk", "state", "prio", "requester", "subject", "messages", "due"],
        &["#", "messages"],
        &rows,
    )?;
    out.line("\nTHREADS")?;
    for ticket in &tickets {
        let number = crate::domain::ids::TicketNumber::new(ticket.number)
            .map_err(|_| Stop::new(super::super::exit::Exit::Defect, "a ticket has no number"))?;
        if let Some(view) = store.ticket_show(number, false, office.clock.now()).await? {
            thread(out, &view)?;
        }
    }
    mails(out, office, room, dir).await?;
    conservation(out, office).await
}

fn thread(out: &mut Out, view: &TicketView) -> Result<(), Stop> {
    out.line(format!("\n[#{}] {}", view.line.number, view.line.subject))?;
    for message in &view.messages {
        let arrow = if message.direction == "in" { "<-" } else { "->" };
        let first = message.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let text: String = first.chars().take(WIDTH).collect();
        let cut = if first.chars().count() > WIDTH { "..." } else { "" };
        let at = message.arrived_at.format("%m-%d %H:%MZ");
        out.line(format!("  {arrow} {at}  {:<8}  {text}{cut}", message.kind))?;
    }
    for entry in &view.history {
        if matches!(entry.action.as_str(), "reminded" | "closed" | "reopened" | "missed") {
            out.line(format!("   * {}  {}", entry.at.format("%m-%d %H:%MZ"), entry.action))?;
        }
    }
    Ok(())
}

async fn mails(out: &mut Out, office: &Office, room: &Mailroom, dir: &Path) -> Result<(), Stop> {
    let mut rows =
        office.store.outbox_list(&OutboxFilter { limit: 1000, ..OutboxFilter::default() }, false).await?;
    rows.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
    out.line("\nMAILS\n")?;
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let path = room.file(&row.id);
            let subject = std::fs::read(&path).ok().and_then(|bytes| {
                let parsed = mail_parser::MessageParser::default().parse(&bytes)?;
                Some(parsed.subject().unwrap_or_default().to_owned())
            });
            let state =
                row.reason.as_ref().map_or_else(|| row.state.clone(), |why| format!("{} ({why})", row.state));
            let file = if subject.is_some() {
                path.strip_prefix(dir).unwrap_or(&path).display().to_string()
            } else {
                "-".to_owned()
            };
            vec![
                row.recipient.clone(),
                row.kind.clone(),
                subject.unwrap_or_else(|| "-".to_owned()),
                state,
                file,
            ]
        })
        .collect();
    Ok(out.table(&["to", "kind", "subject", "state", "file"], &[], &rows)?)
}

async fn conservation(out: &mut Out, office: &Office) -> Result<(), Stop> {
    let days = office.store.ledger_balance(None).await?;
    let sum = |of: fn(&crate::store::BalanceView) -> i64| days.iter().map(of).sum::<i64>();
    let recorded = sum(|d| d.recorded) + sum(|d| d.ignored) + sum(|d| d.held);
    out.line(format!(
        "\nin {} = {} tickets + {} joined + {recorded} recorded + {} quarantined",
        sum(|d| d.incoming),
        sum(|d| d.tickets),
        sum(|d| d.joined),
        sum(|d| d.quarantined),
    ))?;
    Ok(())
}
