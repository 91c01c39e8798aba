//! One state and the terms it is judged by: what every question is answered from, with a daemon and without.

use std::sync::Arc;

use crate::config::Config;
use crate::directory::State;
use crate::directory::attribute::Mapping;
use crate::directory::registry::Policy;
use crate::sync::Rules;

/// The rules of the house, as configured.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    /// Who and what is let in.
    pub rules: Rules,
    /// How names and numbers are handed out.
    pub policy: Policy,
    /// Which attributes come from which properties.
    pub mapping: Mapping,
}

/// A state under these terms; cheap to clone, and unchanged while an answer is being made.
#[derive(Clone)]
pub(crate) struct View {
    /// What is served.
    pub state: Arc<State>,
    /// By which terms.
    pub terms: Arc<Terms>,
}

impl Terms {
    /// As the file has them.
    pub fn of(config: &Config) -> Self {
        Self {
            rules: config.sync.rules.clone(),
            policy: config.registry.clone(),
            mapping: config.dit.mapping.clone(),
        }
    }
}
