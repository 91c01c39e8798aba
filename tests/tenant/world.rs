//! All state of a running tenant, behind one lock.

use std::sync::{Mutex, MutexGuard};

use tokio::sync::watch;
use uuid::Uuid;

use super::clock::Clock;
use super::company::Company;
use super::delta::Rounds;
use super::delta::disorder::Disorder;
use super::faults::{Faults, Gates};
use super::graph::throttle::Throttle;
use super::log::Log;
use super::sign_in::SignInService;
use super::token::AccessTokens;
use super::wire::Wire;

/// Everything the tenant knows.
pub struct World {
    /// `http://127.0.0.1:PORT`
    pub base_url: String,
    /// The tenant's time.
    pub clock: Clock,
    /// Where every arbitrary choice comes from, so that a seed repeats a run.
    pub chance: fastrand::Rng,
    /// How far answers may stray from tidiness.
    pub disorder: Disorder,
    /// Who works there.
    pub company: Company,
    /// Lockouts, switches.
    pub sign_in: SignInService,
    /// Access tokens handed out.
    pub access_tokens: AccessTokens,
    /// Pages and delta tokens handed out.
    pub rounds: Rounds,
    /// How much may be asked for.
    pub throttle: Throttle,
    /// How answers are sent.
    pub wire: Wire,
    /// Faults waiting for their request.
    pub faults: Faults,
    /// What was asked.
    pub log: Log,
}

impl World {
    /// A tenant that has answered nothing yet.
    pub fn new(base_url: String, company: Company, disorder: Disorder) -> Self {
        Self {
            base_url,
            clock: Clock::default(),
            chance: fastrand::Rng::with_seed(disorder.seed),
            disorder,
            company,
            sign_in: SignInService::default(),
            access_tokens: AccessTokens::default(),
            rounds: Rounds::default(),
            throttle: Throttle::default(),
            wire: Wire::default(),
            faults: Faults::default(),
            log: Log::default(),
        }
    }

    /// A GUID for a request, a trace, a stranger.
    pub fn random_id(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(self.chance.u128(..).to_be_bytes()).into_uuid()
    }

    /// An opaque token of `length` characters that means nothing outside this world.
    pub fn random_token(&mut self, length: usize) -> String {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        (0..length)
            .map(|_| char::from(ALPHABET[self.chance.usize(..ALPHABET.len())]))
            .collect()
    }
}

/// The world, and what requests wait on outside the lock.
pub struct Shared {
    // std's: it is never held across an await.
    world: Mutex<World>,
    /// Where requests are held back.
    pub gates: Gates,
    /// How many requests have been answered.
    pub answered: watch::Sender<usize>,
}

impl Shared {
    /// `world` with all gates open.
    pub fn new(world: World) -> Self {
        Self {
            world: Mutex::new(world),
            gates: Gates::default(),
            answered: watch::Sender::new(0),
        }
    }

    /// Locks the world; never hold the guard across an await.
    pub fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self
            .world
            .lock()
            .expect("the tenant does not panic while it holds its world");
        let now = world.clock.now();
        world.company.settle(now);
        world
    }
}
