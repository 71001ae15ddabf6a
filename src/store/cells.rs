//! Rows and columns: instants, ids, flags and words as they stand in the database, and back.
//! A value that no version of this program wrote is a defect, never a guess.

use std::borrow::Cow;

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::StoreError;
use super::dialect::Dialect;
use crate::domain::ids::LookupKey;
use crate::domain::message::Instant;

/// Microseconds since 1970.
pub(super) const fn micros(at: Instant) -> i64 {
    at.timestamp_micros()
}

pub(super) fn maybe_micros(at: Option<Instant>) -> Option<i64> {
    at.map(micros)
}

pub(super) fn from_micros(value: i64) -> Result<Instant, StoreError> {
    Instant::from_timestamp_micros(value).ok_or_else(|| StoreError::defect("an instant is out of range"))
}

/// PostgreSQL's text holds no NUL; a mail may.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

/// 16 octets for binding.
pub(super) fn raw(id: &[u8; 16]) -> Vec<u8> {
    id.to_vec()
}

/// A number that never is as large as the column's type.
pub(super) fn number<T: TryInto<i64>>(value: T) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

/// Reads the columns of one row by name.
pub(super) struct Cells<'r>(pub &'r AnyRow);

impl Cells<'_> {
    pub fn int(&self, name: &str) -> Result<i64, StoreError> {
        Ok(self.0.try_get(name)?)
    }
    pub fn maybe_int(&self, name: &str) -> Result<Option<i64>, StoreError> {
        Ok(self.0.try_get(name)?)
    }
    pub fn small(&self, name: &str) -> Result<u32, StoreError> {
        u32::try_from(self.int(name)?).map_err(|_| StoreError::Defect(format!("{name} is out of range")))
    }
    pub fn flag(&self, name: &str) -> Result<bool, StoreError> {
        Ok(self.int(name)? != 0)
    }
    pub fn text(&self, name: &str) -> Result<String, StoreError> {
        Ok(self.0.try_get(name)?)
    }
    pub fn maybe_text(&self, name: &str) -> Result<Option<String>, StoreError> {
        Ok(self.0.try_get(name)?)
    }
    pub fn blob(&self, name: &str) -> Result<Vec<u8>, StoreError> {
        Ok(self.0.try_get(name)?)
    }
    pub fn maybe_blob(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.try_get(name)?)
    }
    pub fn instant(&self, name: &str) -> Result<Instant, StoreError> {
        from_micros(self.int(name)?)
    }
    pub fn maybe_instant(&self, name: &str) -> Result<Option<Instant>, StoreError> {
        self.maybe_int(name)?.map(from_micros).transpose()
    }
    pub fn key(&self, name: &str) -> Result<LookupKey, StoreError> {
        let bytes = <[u8; 16]>::try_from(self.blob(name)?.as_slice());
        bytes.map(LookupKey).map_err(|_| StoreError::Defect(format!("{name} is no key")))
    }
    /// Reads a word by its type's own `parse`.
    pub fn word<T>(&self, name: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, StoreError> {
        parse(&self.text(name)?).ok_or_else(|| StoreError::Defect(format!("{name} holds an unknown word")))
    }
    /// Reads an identifier or name by its type's own `parse`.
    pub fn name<T, E>(&self, name: &str, parse: impl Fn(&str) -> Result<T, E>) -> Result<T, StoreError> {
        parse(&self.text(name)?).map_err(|_| StoreError::Defect(format!("{name} holds no name")))
    }
    pub fn maybe_name<T, E>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<T>, StoreError> {
        let parsed = self.maybe_text(name)?.map(|text| parse(&text)).transpose();
        parsed.map_err(|_| StoreError::Defect(format!("{name} holds no name")))
    }
}

/// `($1,$2),($3,$4)` for so many rows of so many columns.
pub(super) fn rows(count: usize, columns: usize) -> String {
    let row = |row: usize| format!("({})", marks(row * columns + 1, columns));
    (0..count).map(row).collect::<Vec<_>>().join(",")
}

/// `$first,$first+1,...`, so many.
pub(super) fn marks(first: usize, count: usize) -> String {
    (first..first + count).map(|n| format!("${n}")).collect::<Vec<_>>().join(",")
}

/// Both of them where each parameter is used once, in order: SQLite looks a numbered one up by its name,
/// through all before it, at every run; a plain one it takes as it comes.
pub(super) fn plain_rows(dialect: Dialect, count: usize, columns: usize) -> String {
    match dialect {
        Dialect::Postgres => rows(count, columns),
        Dialect::Sqlite => vec![format!("({})", vec!["?"; columns].join(",")); count].join(","),
    }
}

/// The next of a few lengths of lists, so that prepared statements are found again; the caller fills
/// up by repeating an element.
pub(super) fn padded<T: Clone>(list: &[T]) -> Vec<T> {
    let wanted = [1, 2, 4, 8, 16, 32, 64].into_iter().find(|n| *n >= list.len()).unwrap_or(list.len());
    let filler = list.last().into_iter().cycle().take(wanted.saturating_sub(list.len()));
    list.iter().chain(filler).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_parameters() {
        assert_eq!(rows(2, 3), "($1,$2,$3),($4,$5,$6)");
        assert_eq!(marks(4, 2), "$4,$5");
        assert_eq!(plain_rows(Dialect::Sqlite, 2, 3), "(?,?,?),(?,?,?)");
        assert_eq!(plain_rows(Dialect::Postgres, 2, 3), "($1,$2,$3),($4,$5,$6)");
        assert_eq!(padded(&[1, 2, 3]), [1, 2, 3, 3]);
        assert!(padded::<i32>(&[]).is_empty());
        assert_eq!(clean("a\0b"), "a\u{fffd}b");
    }
}
