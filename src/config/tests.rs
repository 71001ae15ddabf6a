use super::*;
use chrono::{NaiveDate, TimeZone as _, Utc};

fn now() -> Instant {
    Utc.with_ymd_and_hms(2026, 11, 22, 12, 0, 0).unwrap()
}

fn shown(problems: &[Problem]) -> String {
    let line =
        |p: &Problem| format!("{}:{}:{} {} {} ({})", p.file, p.line, p.column, p.code, p.message, p.help);
    problems.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_shipped_files_are_valid() {
    let loaded = embedded(now()).map_err(|problems| shown(&problems)).unwrap();
    assert_eq!(shown(&loaded.warnings), "");
    assert_eq!(loaded.policy.desks.len(), 6);
    assert_eq!(loaded.policy.accounts.len(), 2);
}

/// The public `holidays` package 0.109 gives the same days, for these and all other years to 2035.
#[test]
fn l31_holidays_of_the_years() {
    let loaded = embedded(now()).map_err(|problems| shown(&problems)).unwrap();
    let cases = [
        (
            "colombia",
            2026,
            "01-01 01-12 03-23 04-02 04-03 05-01 05-18 06-08 06-15 06-29 07-13 07-20 08-07 08-17 10-12 11-02 11-16 12-08 12-25",
        ),
        ("unimed", 2026, "01-01 04-03 04-21 05-01 09-07 10-12 11-02 11-15 11-20 12-25"),
        ("tuotempo", 2026, "01-01 01-06 04-05 04-06 04-25 05-01 06-02 08-15 10-04 11-01 12-08 12-25 12-26"),
        ("offsite", 2026, "01-01 01-19 02-16 05-25 06-19 07-03 07-04 09-07 10-12 11-11 11-26 12-25"),
        (
            "colombia",
            2024,
            "01-01 01-08 03-25 03-28 03-29 05-01 05-13 06-03 06-10 07-01 07-20 08-07 08-19 10-14 11-04 11-11 12-08 12-25",
        ),
        (
            "colombia",
            2025,
            "01-01 01-06 03-24 04-17 04-18 05-01 06-02 06-23 06-30 07-20 08-07 08-18 10-13 11-03 11-17 12-08 12-25",
        ),
        (
            "colombia",
            2027,
            "01-01 01-11 03-22 03-25 03-26 05-01 05-10 05-31 06-07 07-05 07-12 07-20 08-07 08-16 10-18 11-01 11-15 12-08 12-25",
        ),
        (
            "colombia",
            2033,
            "01-01 01-10 03-21 04-14 04-15 05-01 05-30 06-20 06-27 07-04 07-11 07-20 08-07 08-15 10-17 11-07 11-14 12-08 12-25",
        ),
        (
            "colombia",
            2035,
            "01-01 01-08 03-19 03-22 03-23 05-01 05-07 05-28 06-04 07-02 07-09 07-20 08-07 08-20 10-15 11-05 11-12 12-08 12-25",
        ),
        ("unimed", 2024, "01-01 03-29 04-21 05-01 09-07 10-12 11-02 11-15 11-20 12-25"),
        ("unimed", 2029, "01-01 03-30 04-21 05-01 09-07 10-12 11-02 11-15 11-20 12-25"),
        ("tuotempo", 2025, "01-01 01-06 04-20 04-21 04-25 05-01 06-02 08-15 11-01 11-02 12-08 12-25 12-26"),
        (
            "tuotempo",
            2030,
            "01-01 01-06 04-21 04-22 04-25 05-01 06-02 08-15 10-04 11-01 11-03 12-08 12-25 12-26",
        ),
        ("offsite", 2024, "01-01 01-15 02-19 05-27 06-19 07-04 09-02 10-14 11-11 11-28 12-25"),
        (
            "offsite",
            2027,
            "01-01 01-18 02-15 05-31 06-18 06-19 07-04 07-05 09-06 10-11 11-11 11-25 12-24 12-25 12-31",
        ),
        ("offsite", 2028, "01-01 01-17 02-21 05-29 06-19 07-04 09-04 10-09 11-10 11-11 11-23 12-25"),
        ("offsite", 2033, "01-01 01-17 02-21 05-30 06-19 06-20 07-04 09-05 10-10 11-11 11-24 12-25 12-26"),
    ];
    for (desk, year, days) in cases {
        let desk = loaded.policy.desks.values().find(|d| d.name.as_str() == desk).unwrap();
        let of_year = |d: &&NaiveDate| chrono::Datelike::year(*d) == year;
        let found: Vec<String> =
            desk.calendar.holidays.iter().filter(of_year).map(|d| d.format("%m-%d").to_string()).collect();
        assert_eq!(found.join(" "), days, "{} {year}", desk.name);
    }
}

/// A configuration on disk whose files can be changed one by one.
struct Files(PathBuf);

impl Files {
    fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("mailward-config-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&root);
        let files = Self(root);
        let shipped = embedded::sources();
        let all = shipped.desks.iter().chain(&shipped.calendars).chain(&shipped.directory);
        for source in all.chain([&shipped.main]) {
            files.write(&source.file, &source.text);
        }
        files
    }
    fn write(&self, file: &str, text: &str) {
        let path = self.0.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    /// Replaces a text that must be there.
    fn change(&self, file: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.0.join(file)).unwrap();
        assert!(text.contains(from), "{from} in {file}");
        self.write(file, &text.replacen(from, to, 1));
    }
    fn load(&self) -> Result<Loaded, Vec<Problem>> {
        load(&self.0.join("mailward.toml"), now())
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn files_on_disk_are_read_relative_to_the_main_one() {
    let files = Files::new("relative");
    let loaded = files.load().map_err(|problems| shown(&problems)).unwrap();
    assert_eq!(loaded.store_url, format!("sqlite:{}", files.0.join("mailward.db").display()));
    assert_eq!(loaded.keys, Secret::File(files.0.join("mailward.keys")));
    assert_eq!(loaded.policy.desks.len(), 6);
}

const MAIN: &str = "mailward.toml";
const COLOMBIA: &str = "desks/colombia.toml";
const OFFSITE: &str = "desks/offsite.toml";
const NO_LISTS: &str =
    "names = []                        # persons who are always redacted, in whatever letters\nnever = []";
const BREACH: &str = "desks/colombia-breach.toml";

/// File, what is changed there to what, the text at which the problem must be shown (its last
/// occurrence), and the code with a part of message or help.
const MISTAKES: [(&str, &str, &str, &str, &str); 46] = [
    (MAIN, "simulated = false", "simulatd = false", "simulatd", "unknown_key did you mean `simulated`?"),
    (MAIN, "port = 465", "port = \"465\"", "\"465\"", "wrong_type expected integer, found string"),
    (MAIN, "port = 465", "port = 99999", "99999", "out_of_range at most 65535"),
    (MAIN, "[keys]\n", "[keyz]\n", "", "missing_key"),
    (MAIN, "after = \"flag\"", "after = \"flags\"", "\"flags\"", "unknown_value did you mean `flag`?"),
    (
        MAIN,
        "desk = \"offsite\"",
        "desk = \"ofsite\"",
        "\"ofsite\"",
        "unknown_reference did you mean `offsite`?",
    ),
    (MAIN, "= \"tuotempo\"", "= \"tutempo\"", "\"tutempo\"", "unknown_reference did you mean `tuotempo`?"),
    (
        MAIN,
        "tls = \"tls\"\nuser = \"breach\"",
        "tls = \"none\"\nuser = \"breach\"",
        "\"none\"\nuser = \"breach\"",
        "plain_text",
    ),
    (
        MAIN,
        "tls = \"tls\"                       # \"tls\"",
        "tls = \"none\"                      # \"tls\"",
        "\"none\"                      #",
        "plain_text",
    ),
    (
        MAIN,
        "folders = [\"INBOX\", \"Junk\"]  ",
        "folders = [\"INBOX\", \"[Gmail]/All Mail\"]  ",
        "\"[Gmail]/All Mail\"",
        "all_mail",
    ),
    (MAIN, "after = \"none\"", "after = \"move\"", "[[account]]\nname = \"breach\"", "missing_key"),
    (
        MAIN,
        "after = \"none\"",
        "after = \"move\"\nmove_to = \"INBOX\"",
        "\"INBOX\"\nfirst_run",
        "contradiction",
    ),
    (
        MAIN,
        "name = \"breach\"",
        "name = \"support\"",
        "\"support\"\nsource = \"imap\"\nhost = \"imap.mail.example\"\ntls",
        "duplicate",
    ),
    (MAIN, "subaddress = \"+\"", "subaddress = \"none\"", "\"plus\"", "contradiction"),
    (MAIN, "sqlite:mailward.db", "mysql:mailward.db", "\"mysql", "invalid"),
    (MAIN, "sqlite:mailward.db", "postgres://me:word@db.example/m", "\"postgres", "secret_in_file"),
    (MAIN, "authserv_ids = [\"mx.mail.example\"]", "", "auth]", "missing_key"),
    (MAIN, "[store]", "[store", "", "syntax"),
    (
        MAIN,
        "password_env = \"MAILWARD_SMTP_PASSWORD\"",
        "password = \"word\"",
        "password = \"word\"",
        "unknown_key",
    ),
    (COLOMBIA, "calendar = \"co\"", "calendar = \"cl\"", "\"cl\"", "unknown_reference"),
    (COLOMBIA, "\"2h business\"", "\"2h\"", "\"2h\"", "invalid"),
    (
        COLOMBIA,
        "priority = \"high\"\nresponse",
        "priority = \"urgent\"\nresponse",
        "[[target]]\npriority = \"urgent\"\nresponse = \"2h business\"",
        "duplicate",
    ),
    (
        COLOMBIA,
        "when = [\"outage\"]",
        "when = [\"outige\"]",
        "\"outige\"",
        "unknown_reference did you mean `outage`?",
    ),
    (
        COLOMBIA,
        "category = \"request\"\n\n[[rule]]",
        "category = \"requests\"\n\n[[rule]]",
        "\"requests\"",
        "unknown_reference did you mean `request`?",
    ),
    (
        COLOMBIA,
        "address = \"soporte@plataforma.example\"",
        "address = \"soporte.plataforma.example\"",
        "\"soporte.plataforma.example\"",
        "invalid",
    ),
    (
        COLOMBIA,
        "languages = [\"es\", \"en\"]",
        "languages = [\"es\", \"xx\", \"en\"]",
        "\"xx\"",
        "unknown_reference",
    ),
    (
        COLOMBIA,
        "when = [\"outage\"]\nunless = [\"resolved\", \"one-user\"]",
        "when = [\"outage\"]\nunless = [\"resolved\", \"outage\"]",
        "unless = [\"resolved\", \"outage\"]",
        "contradiction it never holds",
    ),
    (
        "desks/rxhealth.toml",
        "users_over_percent = 5",
        "users_over_percent = 5\nusers_up_to_percent = 4",
        "4\npriority",
        "contradiction wants more users than it allows",
    ),
    (
        COLOMBIA,
        "calendar = \"co\"",
        "calendar = { holidays = [\"co\"], hours = {} }",
        "\"2h business\"",
        "target_without_hours",
    ),
    (COLOMBIA, "id = \"question\"", "id = \"request\"", "\"request\"\nsays = \"a question\"", "duplicate"),
    (
        OFFSITE,
        "America/Chicago",
        "America/Chcago",
        "\"America/Chcago\"",
        "unknown_zone did you mean `America/Chicago`?",
    ),
    (OFFSITE, "[\"08:00-17:00\"]", "[\"08:00-17:00\", \"16:00-18:00\"]", "hours = {", "overlap"),
    (OFFSITE, "reminder_before = \"24h\"", "reminder_before = \"72h\"", "\"72h\"", "contradiction"),
    (OFFSITE, "\"oncall@imaging.example\"", "\"on-call\"", "\"on-call\"", "unknown_reference"),
    (
        "desks/rxhealth.toml",
        "contacts = [\"leads@programmes.example\"]",
        "contacts = []",
        "[[escalation.level]]\nname = \"Level 3",
        "no_contact",
    ),
    (BREACH, "categories", "echo_subject = true\ncategories", "true", "breach"),
    (BREACH, "[[target]]", "[autoclose]\nafter = \"48h elapsed\"\n\n[[target]]", "autoclose]", "breach"),
    (
        "directory.toml",
        "desks = [\"colombia-breach\"]",
        "desks = [\"breach\"]",
        "\"breach\"]",
        "unknown_reference",
    ),
    (
        "directory.toml",
        "carla@team.example",
        "ana@team.example",
        "\"ana@team.example\"\ndesks = [\"colombia-breach\"]",
        "duplicate",
    ),
    ("calendars/co.toml", "years = [2024, 2035]", "years = [2024, 2025]", "", "missing_year"),
    (MAIN, "names = []", "names = [\"Zita Orbeck\", \"x\"]", "\"x\"]", "too_short"),
    (MAIN, "never = []", "never = [\"Orbeck\", \"orbeck\"]", "\"orbeck\"]", "duplicate"),
    (MAIN, NO_LISTS, "names = [\"Orbeck\"]\nnever = [\"orbeck\"]", "\"orbeck\"]", "contradiction"),
    (MAIN, "[redaction] ", "[[redaction.format]]\npattern = '(HX'\n[redaction] ", "'(HX'", "bad_pattern"),
    (MAIN, "[redaction] ", "[[redaction.format]]\npattern = '\\d+'\n[redaction] ", "'\\d+'", "too_wide"),
    (
        MAIN,
        "[redaction] ",
        "[[redaction.format]]\npatern = 'HX'\n[redaction] ",
        "patern",
        "unknown_key pattern",
    ),
];

#[test]
fn each_mistake_is_named_with_its_place_and_remedy() {
    let files = Files::new("mistakes");
    for (file, from, to, place, want) in MISTAKES {
        let original = std::fs::read_to_string(files.0.join(file)).unwrap();
        files.change(file, from, to);
        let problems = files.load().map(|_| ()).unwrap_err();
        let text = std::fs::read_to_string(files.0.join(file)).unwrap();
        let all = shown(&problems);
        let (code, hint) = want.split_once(' ').unwrap_or((want, ""));
        let found = problems.iter().find(|p| p.code == code && p.severity == "error");
        let found = found.unwrap_or_else(|| panic!("{file}: {to}: no {code} in\n{all}"));
        assert!(format!("{} {}", found.message, found.help).contains(hint), "{to}: {all}");
        if !place.is_empty() {
            let offset = text.rfind(place).unwrap_or_else(|| panic!("{place} in {file}"));
            let before = text.get(..offset).unwrap();
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
            assert_eq!((found.line, found.column), (line, column), "{to}\n{all}");
        }
        files.write(file, &original);
    }
    files.load().map_err(|problems| shown(&problems)).unwrap();
}

#[test]
fn the_operators_lists_reach_the_redactor() {
    use crate::domain::text::RawText;
    use crate::phi::{Context, Redactor};
    let files = Files::new("redaction");
    files.change(MAIN, "names = []", "names = [\"may day\"]");
    files.change(MAIN, "never = []", "never = [\"Rossi Suite\"]");
    let format = "[[redaction.format]]\npattern = 'HX\\d{6}'\ncontext = [\"folder\"]\n\n[[account]]\nname = \"support\"";
    files.change(MAIN, "[[account]]\nname = \"support\"", format);
    let loaded = files.load().map_err(|problems| shown(&problems)).unwrap();
    let redactor = Redactor::new(&loaded.redaction);
    let text = RawText::new("May Day has folder HX123456 open in Rossi Suite, not HX 12, in May.");
    let got = redactor.redact(&text, &Context::default());
    assert_eq!(got.text.as_str(), "[NAME-1] has folder [ID-1] open in Rossi Suite, not HX 12, in May.");
}

#[test]
fn several_problems_are_told_at_once() {
    let files = Files::new("several");
    files.change("mailward.toml", "simulated = false", "simulatd = false");
    files.change("mailward.toml", "desk = \"offsite\"", "desk = \"ofsite\"");
    files.change("desks/tuotempo.toml", "languages = [", "languages = 7 # [");
    files.change("desks/unimed.toml", "from_name", "form_name");
    files.change("calendars/it.toml", "easter = 0", "easter = 999");
    let problems = files.load().map(|_| ()).unwrap_err();
    let codes: Vec<&str> = problems.iter().map(|p| p.code).collect();
    for code in ["unknown_key", "unknown_reference", "wrong_type", "missing_key", "invalid"] {
        assert!(codes.contains(&code), "{code} in {}", shown(&problems));
    }
}

#[test]
fn l37_an_address_leaves_room_for_the_token() {
    let files = Files::new("token");
    files.change("desks/unimed.toml", "suporte@clinicas", "suporte-das-clinicas@clinicas");
    let problems = files.load().map(|_| ()).unwrap_err();
    assert!(problems.iter().any(|p| p.code == "address_too_long"), "{}", shown(&problems));
    files.change("desks/unimed.toml", "suporte-das-clinicas@", "suporte-das-clinica@");
    files.load().map_err(|problems| shown(&problems)).unwrap();
}

#[test]
fn a_terminal_shows_the_line() {
    let files = Files::new("terminal");
    files.change("mailward.toml", "simulated = false", "simulatd = false");
    let problems = files.load().map(|_| ()).unwrap_err();
    let mut text = String::new();
    let handler = miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::unicode_nocolor());
    handler.render_report(&mut text, &problems[0]).unwrap();
    for part in ["unknown_key", "simulatd = false", "did you mean `simulated`?", "mailward.toml"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let json = serde_json::to_value(&problems[0]).unwrap();
    for key in ["file", "line", "column", "code", "message", "help"] {
        assert!(json.get(key).is_some(), "{key}");
    }
}

#[test]
fn the_schema_describes_every_kind_of_file() {
    let schema = schema();
    for kind in ["mailward", "desk", "calendar", "directory", "words"] {
        assert_eq!(schema[kind]["additionalProperties"], false, "{kind}");
    }
    assert!(schema["mailward"]["properties"]["smtp"].is_object());
}

#[test]
fn closed_days_are_imported_from_icalendar() {
    let files = Files::new("import");
    let event = "BEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Carnaval\r\nDTSTART;VALUE=DATE:20260217\r\nEND:VEVENT\r\n";
    files.write(
        "desks/local.ics",
        &format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{event}END:VCALENDAR\r\n"),
    );
    let parts = "calendar = { holidays = [\"br\"], closed = [\"2026-06-04\"], open = [\"2026-11-20\"], import = [\"local.ics\"] }";
    files.change("desks/unimed.toml", "calendar = \"br\"", parts);
    let loaded = files.load().map_err(|problems| shown(&problems)).unwrap();
    let calendar = &loaded.policy.desks[&crate::domain::ids::DeskName::parse("unimed").unwrap()].calendar;
    for (day, closed) in
        [("2026-02-17", true), ("2026-06-04", true), ("2026-11-20", false), ("2026-11-02", true)]
    {
        assert_eq!(calendar.holidays.contains(&day.parse::<NaiveDate>().unwrap()), closed, "{day}");
    }
    files.change("desks/unimed.toml", "local.ics", "other.ics");
    let problems = files.load().map(|_| ()).unwrap_err();
    assert!(problems.iter().any(|p| p.message.contains("other.ics")), "{}", shown(&problems));
}

#[test]
fn without_desk_files_nothing_runs() {
    let files = Files::new("empty");
    std::fs::remove_dir_all(files.0.join("desks")).unwrap();
    std::fs::create_dir(files.0.join("desks")).unwrap();
    let problems = files.load().map(|_| ()).unwrap_err();
    assert!(problems.iter().any(|p| p.code == "no_desks"), "{}", shown(&problems));
}
