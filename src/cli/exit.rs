//! How a command ends: an exit code of sysexits.h and, on standard error, what to do about it.

use crate::config::Problem;
use crate::store::StoreError;
use crate::worker::Failure;
use crate::worker::command::CommandError;

/// The codes an outsider can rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Ok,
    /// A check came out negative: the books do not balance, the chain is broken.
    No,
    /// The call was wrong.
    Usage,
    /// The input is bad; the rest was done.
    Data,
    /// A defect of ours.
    Defect,
    /// Try again.
    Again,
    /// The configuration.
    Config,
}

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::No => 1,
            Self::Usage => 64,
            Self::Data => 65,
            Self::Defect => 70,
            Self::Again => 75,
            Self::Config => 78,
        }
    }
}

/// Why a command ended early, in the words of the one who typed it.
#[derive(Debug)]
pub struct Stop {
    /// The code.
    pub exit: Exit,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Problems of the configuration, shown with their source.
    pub problems: Vec<Problem>,
}

impl Stop {
    /// With a code and a message.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), help: None, problems: Vec::new() }
    }
    /// The call was wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }
    /// With what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
    /// The configuration holds these problems.
    pub fn config(problems: Vec<Problem>) -> Self {
        let count = problems.len();
        let message = format!("the configuration has {count} problem{}", if count == 1 { "" } else { "s" });
        Self { exit: Exit::Config, message, help: None, problems }
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Missing(what) => Self::new(Exit::Data, format!("there is no such {what}")),
            StoreError::Refused(why) => Self::new(Exit::Data, *why),
            StoreError::Defect(_) => Self::new(Exit::Defect, error.to_string()).help(
                "this is a defect of mailward; `mailward audit verify` tells whether the data is sound",
            ),
            StoreError::Full => Self::new(Exit::Again, error.to_string())
                .help("make room on its disk and try again; nothing is lost"),
            StoreError::ReadOnly => Self::new(Exit::Again, error.to_string())
                .help("make its file, folder and disk writable and try again; nothing is lost"),
            _ => Self::new(Exit::Again, error.to_string()).help("try again in a moment"),
        }
    }
}

impl From<Failure> for Stop {
    fn from(error: Failure) -> Self {
        match &error {
            Failure::Defect(_) => Self::new(Exit::Defect, error.to_string()),
            Failure::Elsewhere => Self::new(Exit::Again, error.to_string())
                .help("a `mailward serve` reads this account now; stop it, or let it do the work"),
            Failure::Paused(_) => Self::new(Exit::Again, error.to_string())
                .help("`mailward check` shows the account's settings; the log names the account"),
            _ => Self::new(Exit::Again, error.to_string()),
        }
    }
}

impl From<CommandError> for Stop {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Failed(failure) => failure.into(),
            other => Self::new(Exit::Data, other.to_string()),
        }
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::new(Exit::Data, error.to_string())
    }
}
