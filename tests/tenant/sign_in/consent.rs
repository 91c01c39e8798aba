//! Consent: a person who signed in says whether the app may act for them, and may or may not decide that alone.

use super::super::Tenant;
use super::super::company::{Registration, User, role};
use super::super::world::World;
use super::delegation::Scopes;
use super::refusal::Refusal;

/// Who answers consent pages without a browser.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The user principal name typed in.
    pub upn: String,
    /// The button pressed.
    pub decision: Decision,
}

/// How a consent page is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// "Accept"
    Accept,
    /// "Cancel": 65004.
    Decline,
    /// Something else ends the sign-in with that AADSTS code, a policy (53003) for instance.
    Refused(u32),
}

impl Decision {
    /// What comes of it: the scopes the client gets, consent recorded where it was missing.
    pub fn carry_out(
        self,
        world: &mut World,
        client: &Registration,
        user: &User,
        scopes: &Scopes,
    ) -> Result<Scopes, Refusal> {
        match self {
            Self::Accept => {}
            Self::Decline => return Err(Refusal::of(65004)),
            Self::Refused(code) => return Err(Refusal::of(code)),
        }
        let mut granted = scopes.clone();
        let consented = client.standing(client.scopes.clone());
        let lacking = scopes.lacking(&consented);
        let may_consent = role::CONSENTING
            .iter()
            .any(|role| user.account.roles.contains(role));
        if !lacking.is_empty() && !may_consent {
            return Err(Refusal::of(90094));
        }
        if scopes.all_consented {
            granted.names.extend(consented);
        }
        let registrations = world.company.registrations.iter_mut();
        let mut own = registrations.filter(|known| known.client_id == client.client_id);
        if let Some(registration) = own.next() {
            registration
                .withdrawn
                .retain(|name, _| !lacking.contains(name));
            registration.scopes.extend(lacking);
        }
        Ok(granted)
    }
}

/// The enabled user called `upn`: 50034 or 50057 otherwise.
pub fn signed_in(world: &World, upn: &str) -> Result<User, Refusal> {
    let user = world.company.find_user(upn).cloned();
    let user = user.ok_or_else(|| Refusal::of(50034))?;
    match user.is_enabled() {
        true => Ok(user),
        false => Err(Refusal::of(50057)),
    }
}

impl Tenant {
    /// From now on `upn` signs in to consent pages at once and accepts, without a browser.
    pub fn administrator(&self, upn: &str) {
        self.answer_consent(upn, Decision::Accept);
    }

    /// From now on consent pages are answered by `upn`, in that way, without a browser.
    pub fn answer_consent(&self, upn: &str, decision: Decision) {
        let upn = upn.to_owned();
        self.world().sign_in.visitor = Some(Visitor { upn, decision });
    }

    /// From now on consent pages wait for somebody with a browser.
    pub fn await_consent(&self) {
        self.world().sign_in.visitor = None;
    }

    /// Puts the tenant `id` into the id_tokens of `upn`, as if the account were at home there.
    pub fn claim_tenant(&self, upn: &str, id: uuid::Uuid) {
        self.world().company.account_mut(upn).claims_tenant = Some(id);
    }
}
