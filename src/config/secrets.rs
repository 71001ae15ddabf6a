//! Secrets are read from the environment or a file when they are needed, and nowhere kept.

use secrecy::SecretString;

use crate::domain::account::Secret;

/// Why a secret could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The configuration names none.
    #[error("no secret is configured")]
    NotConfigured,
    /// The variable is not set or not UTF-8.
    #[error("the environment variable {0} is not set")]
    Environment(String),
    /// The file cannot be read.
    #[error("the secret file {0} cannot be read: {1}")]
    File(String, String),
    /// Nothing stands where the secret should be.
    #[error("{0} holds an empty secret")]
    Empty(String),
}

/// Reads a secret: the variable's value, or the first line of the file.
///
/// # Errors
/// [`SecretError`]; never holds anything of the secret.
pub fn secret(secret: &Secret) -> Result<SecretString, SecretError> {
    let (text, place) = match secret {
        Secret::None => return Err(SecretError::NotConfigured),
        Secret::Env(name) => {
            (std::env::var(name).map_err(|_| SecretError::Environment(name.clone()))?, name.clone())
        }
        Secret::File(path) => {
            let place = path.display().to_string();
            let text = std::fs::read_to_string(path)
                .map_err(|error| SecretError::File(place.clone(), error.kind().to_string()))?;
            (text.lines().next().unwrap_or_default().to_owned(), place)
        }
    };
    let text = zeroize::Zeroizing::new(text);
    let line = text.trim_end_matches(['\r', '\n']);
    if line.is_empty() { Err(SecretError::Empty(place)) } else { Ok(SecretString::from(line.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    #[test]
    fn a_secret_is_the_first_line_of_its_file() {
        let path = std::env::temp_dir().join(format!("mailward-secret-{}", std::process::id()));
        std::fs::write(&path, "pass word \nsecond\n").unwrap();
        let read = secret(&Secret::File(path.clone())).unwrap();
        assert_eq!(read.expose_secret(), "pass word ");
        std::fs::write(&path, "\n").unwrap();
        assert!(matches!(secret(&Secret::File(path.clone())), Err(SecretError::Empty(_))));
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(secret(&Secret::File(path)), Err(SecretError::File(..))));
        assert!(matches!(secret(&Secret::None), Err(SecretError::NotConfigured)));
        assert!(matches!(
            secret(&Secret::Env("MAILWARD_NO_SUCH_VARIABLE".into())),
            Err(SecretError::Environment(_))
        ));
    }
}
