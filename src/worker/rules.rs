//! Everything that configuration gives to a decision, replaced as one at a reload: no mail sees half
//! of an old and half of a new policy.

use std::sync::{Arc, PoisonError, RwLock};

use crate::compose::Templates;
use crate::domain::policy::Policy;
use crate::phi::Redactor;

/// One consistent set.
pub struct Rules {
    /// Desks, accounts, people, caps.
    pub policy: Arc<Policy>,
    /// Texts of our mail.
    pub templates: Templates,
    /// The redactor with the operator's lists.
    pub redactor: Arc<Redactor>,
}

/// Where the current set lies.
#[derive(Clone)]
pub struct RuleBook(Arc<RwLock<Arc<Rules>>>);

impl std::fmt::Debug for RuleBook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<rules>")
    }
}

impl RuleBook {
    /// Opens with a first set.
    pub fn new(rules: Rules) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(rules))))
    }
    /// The set that holds now; keep it for the whole piece of work.
    pub fn current(&self) -> Arc<Rules> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
    /// Replaces the set.
    pub fn replace(&self, rules: Rules) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
    }
}
