//! Everything in which SQLite and PostgreSQL differ: how they are opened, how a write transaction
//! begins, how rows are locked. All other SQL of this folder is the same text for both.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::Migrator;
use sqlx::{Any, AnyPool, ConnectOptions as _, Connection as _, Executor as _, Transaction};

use super::StoreError;

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

/// How often a transaction is begun anew after a serialisation failure or deadlock (40001, 40P01).
pub(super) const RETRIES: u32 = 5;

/// How long the first connection to a server may take.
const FIRST_ANSWER: Duration = Duration::from_secs(15);

/// The connections of an open database: writers (SQLite has one) and readers.
#[derive(Debug, Clone)]
pub(super) struct Pools {
    pub dialect: Dialect,
    pub write: AnyPool,
    pub read: AnyPool,
    /// Beside a SQLite file: held shared by every process that works on it.
    pub lock_file: Option<PathBuf>,
}

/// The writer's cache holds what a batch changes, so that nothing spills before its commit; a
/// checkpoint comes every 16 MB, so that the pages that every mail changes are copied once for many.
const WRITER: [&str; 9] = [
    "PRAGMA page_size = 8192",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",
    "PRAGMA busy_timeout = 10000",
    "PRAGMA cache_size = -12000",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA wal_autocheckpoint = 4000",
];
const READER: [&str; 3] =
    ["PRAGMA foreign_keys = ON", "PRAGMA busy_timeout = 10000", "PRAGMA query_only = ON"];

impl Dialect {
    /// Behind a subselect whose rows are claimed: leave what another run is claiming.
    pub const fn skip_locked(self) -> &'static str {
        match self {
            // SQLite has one writer: nothing else can be claiming.
            Self::Sqlite => "",
            Self::Postgres => " FOR UPDATE SKIP LOCKED",
        }
    }
    /// Behind a row that must not change before the commit, but may be read by others.
    pub const fn for_share(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR SHARE",
        }
    }
    /// Behind a row that this transaction will change.
    pub const fn for_update(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR UPDATE",
        }
    }
    /// Begins a transaction whose statements all see the same instant.
    pub const fn snapshot(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN",
            Self::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ",
        }
    }
    const fn begin_statement(self) -> &'static str {
        match self {
            // A deferred BEGIN that writes later fails at once when another writer came between.
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN",
        }
    }
}

impl Pools {
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let pools = if let Some(path) = url.strip_prefix("sqlite:") {
            Self::sqlite(Path::new(path.strip_prefix("//").unwrap_or(path))).await?
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Self::postgres(url).await?
        } else {
            return Err(StoreError::Unavailable("the url is neither sqlite: nor postgres:"));
        };
        let migrator = match pools.dialect {
            Dialect::Sqlite => &SQLITE,
            Dialect::Postgres => &POSTGRES,
        };
        let mut connection = pools.write.acquire().await?;
        migrator.run(&mut *connection).await.map_err(|error| match error {
            sqlx::migrate::MigrateError::Execute(error) => StoreError::from(error),
            sqlx::migrate::MigrateError::VersionMissing(_) => {
                StoreError::Defect("the schema is newer than this program".into())
            }
            other => StoreError::Defect(other.to_string()),
        })?;
        drop(connection);
        Ok(pools)
    }

    async fn sqlite(path: &Path) -> Result<Self, StoreError> {
        make_private(path)?;
        let options = |pragmas: &'static [&'static str]| {
            AnyPoolOptions::new()
                .idle_timeout(None)
                .max_lifetime(None)
                .test_before_acquire(false)
                // SQLite ends a transaction by itself when its disk is full; sqlx's own ROLLBACK then fails,
                // and the connection would count as being in a transaction for ever.
                .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
                .acquire_timeout(Duration::from_secs(30))
                .after_connect(move |connection, _| {
                    Box::pin(async move {
                        for pragma in pragmas {
                            connection.execute(*pragma).await?;
                        }
                        Ok(())
                    })
                })
        };
        let url = quiet(&format!("sqlite://{}?mode=rw", encoded(path)?))?;
        let write = options(&WRITER).max_connections(1).connect_with(url.clone()).await?;
        let read = options(&READER).max_connections(4).connect_with(url).await?;
        let mut lock_file = path.as_os_str().to_owned();
        lock_file.push(".lock");
        Ok(Self { dialect: Dialect::Sqlite, write, read, lock_file: Some(lock_file.into()) })
    }

    async fn postgres(url: &str) -> Result<Self, StoreError> {
        let options = || AnyPoolOptions::new().acquire_timeout(Duration::from_secs(30));
        let url = quiet(url)?;
        // A pool would go on trying for its whole time-out; who starts wants to know at once. A server
        // that accepts and never answers would keep even this waiting.
        let first = async { url.connect().await?.close().await };
        let silent = |_| StoreError::Unavailable("the server accepts and does not answer");
        tokio::time::timeout(FIRST_ANSWER, first).await.map_err(silent)??;
        // A gateway that is stopped in the middle of a transaction keeps its locks, the counter's row
        // among them: all others would wait for it. Ours take milliseconds.
        let write = options()
            .max_connections(6)
            .after_connect(|connection, _| {
                Box::pin(async move {
                    connection.execute("SET idle_in_transaction_session_timeout = '10s'").await.map(|_| ())
                })
            })
            .connect_with(url.clone())
            .await?;
        let read = options()
            .max_connections(4)
            .after_connect(|connection, _| {
                Box::pin(async move {
                    connection.execute("SET default_transaction_read_only = on").await.map(|_| ())
                })
            })
            .connect_with(url)
            .await?;
        Ok(Self { dialect: Dialect::Postgres, write, read, lock_file: None })
    }

    /// Begins a write transaction that orders itself by the rows it touches alone.
    pub async fn begin(&self) -> Result<Transaction<'static, Any>, StoreError> {
        Ok(self.write.begin_with(self.dialect.begin_statement()).await?)
    }

    /// Begins a write transaction in the one order of numbers and decisions: on PostgreSQL the
    /// counter's row is the lock; on SQLite the transaction itself is.
    pub async fn begin_ordered(&self) -> Result<Transaction<'static, Any>, StoreError> {
        let mut tx = self.begin().await?;
        if self.dialect == Dialect::Postgres {
            sqlx::query("SELECT value FROM counter WHERE name = 'ticket' FOR UPDATE")
                .fetch_one(&mut *tx)
                .await?;
        }
        Ok(tx)
    }
}

/// Statements would be logged with every run; they hold no values, but cost time.
fn quiet(url: &str) -> Result<AnyConnectOptions, StoreError> {
    let options = AnyConnectOptions::from_str(url);
    let options = options.map_err(|_| StoreError::Unavailable("the url cannot be read"))?;
    Ok(options.disable_statement_logging())
}

/// The path as part of a URL: everything but letters, digits and `/-_.` is percent-encoded.
fn encoded(path: &Path) -> Result<String, StoreError> {
    let path = path.to_str().filter(|path| !path.is_empty());
    let path = path.ok_or(StoreError::Unavailable("the path is empty or not UTF-8"))?;
    let octet = |octet: u8| match octet {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => char::from(octet).to_string(),
        other => format!("%{other:02X}"),
    };
    Ok(path.bytes().map(octet).collect())
}

/// Why a file could not be made or opened.
pub(super) fn not_made(error: &std::io::Error, otherwise: &'static str) -> StoreError {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::Full,
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => StoreError::ReadOnly,
        _ => StoreError::Unavailable(otherwise),
    }
}

/// Makes folder (0700) and file (0600) where they are missing; a laxer mode of the file is mended.
fn make_private(path: &Path) -> Result<(), StoreError> {
    let away =
        |error: std::io::Error| not_made(&error, "the database's folder or file cannot be made or opened");
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(away)?;
    }
    let mut options = OpenOptions::new();
    let file = options.create(true).append(true).mode(0o600).open(path).map_err(away)?;
    let mode = file.metadata().map_err(away)?.permissions().mode() & 0o777;
    if matches!(mode, 0o600 | 0o400) {
        Ok(())
    } else {
        file.set_permissions(Permissions::from_mode(0o600)).map_err(away)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_transaction_that_the_database_ended_leaves_no_connection_stuck() {
        let folder = std::env::temp_dir().join(format!("mailward-dialect-{}", std::process::id()));
        let pools = Pools::open(&format!("sqlite:{}/store.db", folder.display())).await.unwrap();
        for _ in 0..3 {
            let mut tx = pools.begin().await.unwrap();
            // What SQLite does by itself when its disk is full.
            tx.execute("ROLLBACK").await.unwrap();
            drop(tx);
        }
        assert!(pools.begin().await.unwrap().rollback().await.is_ok());
        pools.write.close().await;
        std::fs::remove_dir_all(folder).unwrap();
    }
}
