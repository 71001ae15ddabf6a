//! Throughput of the whole redactor on one core, in processor time: over mails of its own making
//! (prose, form, log, quotation and signature in four languages), and over the support mails below
//! DATA where they are.

use std::io::Write as _;
use std::time::Duration;

use mailward::domain::address::{EmailAddress, Mailbox};
use mailward::domain::text::RawText;
use mailward::phi::{Context, Lists, Redactor};
use rustix::time::{ClockId, clock_gettime};

/// The least that is accepted, in megabytes a second.
const TARGET: f64 = 2.0;
/// How long to measure.
const LONG: Duration = Duration::from_secs(2);

const MAILS: [&str; 4] = [
    "Hello,\n\nWe keep getting E-4017 in RadView 3.4.73.6 since this morning. The chart for patient Mary Major \
     (MRN 33750417, DOB October 11, 1935) opens blank.\n\n2026-08-25 18:21:34 INFO patient=MARY MAJOR mrn=33750417 \
     status=FAILED E-4017\n2026-08-25 18:21:35 WARN retry 4 after port 8443\n\nCan you please look into it today?\n\n\
     Regards,\nJohn Roe\nIT Coordinator\n555-010-0144",
    "Buenas tardes,\n\nReabro el ticket #070487, persiste el error. La señora Luz Marina Cárdenas, CC 43.123.987, \
     llamó del 300 555 0134 porque no ve sus resultados.\n\nPaciente: LUZ MARINA CÁRDENAS\nFecha de nacimiento: 12 de \
     mayo de 1962\nDirección: Cra 45 # 12-34, Medellín\n\nQuedo atenta a su respuesta.\n\nGracias,\nJohn Roe",
    "Bom dia,\n\nDesde ontem o ClinicDesk 2026.4.5 apresenta HTTP 502. O prontuário da paciente Maria das Graças Lima, \
     CPF 529.982.247-25, abre em branco. Favor atualizar o endereço para Rua das Acácias, 120, Campinas - SP, CEP \
     13010-000.\n\n> Na segunda a recepção escreveu:\n> Maria das Graças Lima internou em 12/05/2026\n\nObrigado,\nJohn Roe",
    "Buongiorno,\n\nRiapro il TCK-70566, il problema resta. Il paziente Mario Rossi, C.F. RSSMRA57C12L219K, nato il \
     12/03/1957, abita in via Garibaldi 12, 10122 Torino. Stack trace: NullPointerException at AgendaPlus build \
     45619\n\nResto in attesa.\n\nCordiali saluti,\nJohn Roe\n02 5550123",
];

/// A text and who wrote it.
type Mail = (RawText, Option<Mailbox>);

/// Processor time of this process: other work on the machine does not count.
fn cpu() -> Duration {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(spent.tv_sec.unsigned_abs(), u32::try_from(spent.tv_nsec).unwrap_or(0))
}

fn main() -> std::io::Result<()> {
    let author = mailbox("John Roe <john.roe@clinic.example>");
    let own: Vec<Mail> = MAILS.into_iter().map(|mail| (RawText::new(mail), author.clone())).collect();
    measure("redact", &own)?;
    let Some(folder) = std::env::var_os("DATA") else {
        return writeln!(std::io::stdout(), "redact_supportmail: left out, DATA names no folder");
    };
    let given = supportmail(&std::path::Path::new(&folder).join("phi"));
    if given.is_empty() {
        return writeln!(std::io::stdout(), "redact_supportmail: left out, DATA has no support mails");
    }
    measure("redact_supportmail", &given)
}

/// The support mails of a folder, if there are any.
fn supportmail(folder: &std::path::Path) -> Vec<Mail> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let named = |path: &std::path::PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("supportmail."))
    };
    let texts =
        files.map(|file| file.path()).filter(named).filter_map(|path| std::fs::read_to_string(path).ok());
    let mail = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        let from = line.get("from").and_then(serde_json::Value::as_str).and_then(mailbox);
        Some((RawText::new(line.get("text")?.as_str()?), from))
    };
    texts.flat_map(|text| text.lines().filter_map(mail).collect::<Vec<Mail>>()).collect()
}

fn mailbox(text: &str) -> Option<Mailbox> {
    let (name, address) = text.trim_end_matches('>').rsplit_once('<')?;
    Some(Mailbox { name: Some(name.trim().to_owned()), address: EmailAddress::parse(address).ok()? })
}

fn measure(name: &str, mails: &[Mail]) -> std::io::Result<()> {
    let redactor = Redactor::new(&Lists::default());
    let (mut bytes, mut findings) = (0, 0);
    let start = cpu();
    while cpu().saturating_sub(start) < LONG {
        for (text, from) in mails {
            let context = Context { from: from.as_ref(), ..Context::default() };
            findings += redactor.redact(text, &context).findings.len();
            bytes += text.expose().len();
        }
    }
    let rounded = u32::try_from(bytes / 1000).unwrap_or(u32::MAX);
    let rate = f64::from(rounded) / 1000.0 / cpu().saturating_sub(start).as_secs_f64();
    let ok = rate >= TARGET && findings > 0;
    let line = format!(
        "{{\"name\":\"{name}\",\"value\":{rate:.2},\"unit\":\"MB/s\",\"target\":{TARGET:.1},\"ok\":{ok}}}"
    );
    if let Some(path) = std::env::var_os("BENCH_JSON") {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
        writeln!(file, "{line}")?;
    }
    writeln!(std::io::stdout(), "{line}")
}
