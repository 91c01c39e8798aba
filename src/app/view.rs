//! One state and the terms it is judged by: what every question is answered from, with a daemon and without.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use crate::config::Config;
use crate::directory::attribute::Mapping;
use crate::directory::registry::{Policy, Problem};
use crate::directory::{ObjectId, State};
use crate::sync::{Rules, Settled};

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
    /// What there was to say when they were last applied.
    pub findings: Arc<Findings>,
}

/// What the rules and the registry had to say, put where it is looked up.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// All of it.
    pub settled: Settled,
    by_object: BTreeMap<ObjectId, Vec<Problem>>,
    /// Counted when first asked for: everybody is looked at.
    flawed: OnceLock<usize>,
}

impl Findings {
    /// What a settlement left to say.
    pub fn of(settled: Settled) -> Self {
        let mut by_object: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for problem in &settled.registrations {
            by_object
                .entry(problem.id())
                .or_default()
                .push(problem.clone());
        }
        Self {
            settled,
            by_object,
            flawed: OnceLock::new(),
        }
    }

    /// What registering had to say about one person or group.
    pub fn about(&self, id: ObjectId) -> &[Problem] {
        self.by_object.get(&id).map_or(&[], Vec::as_slice)
    }

    /// The outcome of `count`, which is called once.
    pub fn flawed(&self, count: impl FnOnce() -> usize) -> usize {
        *self.flawed.get_or_init(count)
    }
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
