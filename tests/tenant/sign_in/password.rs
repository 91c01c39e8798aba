//! The resource owner password credentials grant: is this the person's password?

use axum::http::HeaderMap;
use serde_json::Value;

use super::super::company::{FirstFactor, SecondFactor, User};
use super::super::world::World;
use super::client::{declares_cae, identify};
use super::delegation::{Delegation, Scopes};
use super::refusal::Refusal;
use super::{Authority, Form};

/// Tokens for a person, if the password is right and nothing else stands in the way.
///
/// The order of checks: client, person, lockout, password, expiry, disabled, consent, policies. Microsoft
/// documents only that policies come last.
pub fn grant(
    world: &mut World,
    authority: Authority,
    headers: &HeaderMap,
    form: &Form,
) -> Result<Value, Refusal> {
    if authority == Authority::AnyAccount {
        return Err(Refusal::of(9001023));
    }
    let username = form.require("username")?;
    let password = form.require("password")?;
    let client = identify(world, headers, form)?;
    if !client.is_authenticated && !client.registration.allows_public_client {
        return Err(Refusal::of(7000218));
    }
    let user = find(world, username)?;
    check_first_factor(world, &user, password)?;
    if !user.is_enabled() {
        return Err(Refusal::of(50057));
    }
    let scope = form.require("scope")?;
    let delegation = Delegation {
        scopes: Scopes::consented(world, &client.registration, scope)?,
        is_public: !client.is_authenticated,
        client: client.registration,
        person: user.object.id,
        is_cae: declares_cae(form),
    };
    check_policies(&user)?;
    Ok(delegation.issue(world))
}

/// The account called `username`, unless it lives elsewhere.
fn find(world: &World, username: &str) -> Result<User, Refusal> {
    let user = world.company.find_user(username);
    user.filter(|user| !user.is_external()).cloned().ok_or_else(|| {
        let tenant = world.company.tenant_id;
        Refusal::saying(
            50034,
            format!(
                "The user account {{EmailHidden}} does not exist in the {tenant} directory. To sign into this \
                 application, the account must be added to the directory."
            ),
        )
    })
}

fn check_first_factor(world: &mut World, user: &User, password: &str) -> Result<(), Refusal> {
    let scripted = user.account.scripted.map(Refusal::of);
    if let Some(refusal) = scripted.filter(|refusal| !refusal.comes_after_the_password()) {
        return Err(refusal);
    }
    let domain = user.upn().rsplit('@').next().unwrap_or_default();
    let is_federated = world
        .company
        .verified_domain(domain)
        .is_some_and(|domain| domain.is_federated);
    if is_federated && !world.sign_in.checks_federated_passwords {
        // Right or wrong, Entra cannot know: traps 1 and 3 of a first implementation.
        return Err(Refusal::wrong_password_of_federated_user());
    }
    let Some(right) = user.account.first_factor.password() else {
        return Err(Refusal::of(50056));
    };
    let now = world.clock.now();
    let lockout = world.sign_in.lockouts.entry(user.object.id).or_default();
    if lockout.is_locked(now) {
        return Err(Refusal::of(50053));
    }
    // Blanks at either end do not survive this grant at Microsoft, so no such password is ever right.
    if password != right || password.trim() != password {
        lockout.note_failure(password, now);
        return Err(Refusal::of(50126));
    }
    world.sign_in.lockouts.remove(&user.object.id);
    match user.account.first_factor {
        FirstFactor::Expired(_) => Err(Refusal::of(50055)),
        FirstFactor::Password(_) | FirstFactor::NoPassword => Ok(()),
    }
}

fn check_policies(user: &User) -> Result<(), Refusal> {
    if let Some(code) = user.account.scripted {
        return Err(Refusal::of(code));
    }
    match user.account.second_factor {
        SecondFactor::NotAsked => Ok(()),
        SecondFactor::Mfa => Err(Refusal::of(50076)),
        SecondFactor::Blocked => Err(Refusal::of(53003)),
    }
}
