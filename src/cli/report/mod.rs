//! `report`: what each desk did in a period, as table, CSV, JSON lines or a page of HTML. Codes, numbers
//! and times only.

mod chart;
mod html;
mod lines;

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate, NaiveTime};

use crate::domain::ids::DeskName;
use crate::domain::report::{self, Rows};
use crate::store::ReportQuery;

use super::args::{Report, ReportForm};
use super::exit::{Exit, Stop};
use super::office::Office;
use super::out::Out;

/// Days of a report without dates.
const DAYS: u64 = 30;

/// What is reported.
struct Findings {
    /// First and last day, in UTC.
    days: (NaiveDate, NaiveDate),
    /// The figures by desk.
    desks: BTreeMap<DeskName, Rows>,
}

/// Counts and prints.
pub async fn run(args: Report) -> Result<Exit, Stop> {
    let office = Office::open(&args.listing.config.config, args.at.at).await?;
    let today = office.clock.now().date_naive();
    let last = args.to.unwrap_or(today);
    let first = args.from.or_else(|| last.checked_sub_days(Days::new(DAYS - 1))).unwrap_or(last);
    if first > last {
        return Err(Stop::usage(format!("the period ends on {last} before it begins on {first}")));
    }
    let policy = &office.loaded.policy;
    let desk = match &args.desk {
        None => None,
        Some(name) => {
            let known = DeskName::parse(name).ok().filter(|name| policy.desks.contains_key(name));
            Some(known.ok_or_else(|| Stop::usage(format!("there is no desk `{name}`")))?)
        }
    };
    let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
    let until = last.succ_opt().unwrap_or(last);
    let query = ReportQuery { desk, from: midnight(first), until: midnight(until) };
    let mut findings = Findings { days: (first, last), desks: BTreeMap::new() };
    let mut after = None;
    while let Some((cases, last)) = office.store.report_page(&query, after).await? {
        after = Some(last);
        for case in &cases {
            // Tickets of a desk that is configured no more are in nobody's report.
            let Some(desk) = policy.desks.get(&case.desk) else { continue };
            let rows = findings.desks.entry(case.desk.clone()).or_default();
            report::count(rows, case, desk, &policy.directory);
        }
    }
    let mut out = Out::stdout();
    match (args.listing.json, args.format) {
        (true, _) => lines::json(&mut out, &findings)?,
        (false, ReportForm::Table) => lines::table(&mut out, &findings)?,
        (false, ReportForm::Csv) => lines::csv(&mut out, &findings)?,
        (false, ReportForm::Html) => out.line(html::page(&findings, policy))?,
    }
    Ok(Exit::Ok)
}
